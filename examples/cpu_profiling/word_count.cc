// SPDX-License-Identifier: Apache-2.0
// Counts words of made-up text, and spends most of its time where nobody would look: in a comparison
// that copies its arguments. Knows nothing of any profiler.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using Count = std::pair<std::string, int>;

std::string make_text(std::size_t words) {
  std::string text;
  unsigned seed = 1;
  for (std::size_t i = 0; i < words; ++i) {
    seed = seed * 1664525U + 1013904223U;
    text += "Word" + std::to_string(seed >> 18U) + ' ';
  }
  return text;
}

std::string lower_case(std::string word) {
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word;
}

}  // namespace

[[gnu::noinline]] std::unordered_map<std::string, int> count_words(const std::string& text) {
  std::unordered_map<std::string, int> counts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find(' ', at);
    ++counts[text.substr(at, end - at)];
    at = end + 1;
  }
  return counts;
}

// The mistake: both words are made lower case anew for each comparison.
[[gnu::noinline]] bool comes_before(const Count& a, const Count& b) {
  return lower_case(a.first) < lower_case(b.first);
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 10;
  std::size_t different = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto counts = count_words(make_text(40000));
    std::vector<Count> sorted(counts.begin(), counts.end());
    std::sort(sorted.begin(), sorted.end(), comes_before);
    different += sorted.size();
  }
  std::printf("%zu different words\n", different / static_cast<std::size_t>(rounds));
}
