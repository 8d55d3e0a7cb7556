// SPDX-License-Identifier: Apache-2.0
#include "tools/flame_html.h"

#include "page_data.h"
#include "tools/flame_json.h"

namespace otprof::tools {
namespace {

// page.html has each of these markers once.
constexpr std::string_view kStyleMark = "/*STYLE*/";
constexpr std::string_view kScriptMark = "/*SCRIPT*/";
constexpr std::string_view kDataMark = "/*DATA*/";

void replace(std::string& text, std::string_view mark, std::string_view with) {
  text.replace(text.find(mark), mark.size(), with);
}

std::string page(std::string_view data) {
  std::string html(page_data::kHtml);
  // The data goes last: a name in it may look like a mark.
  replace(html, kStyleMark, page_data::kStyle);
  replace(html, kScriptMark, page_data::kScript);
  html.reserve(html.size() + data.size());
  replace(html, kDataMark, data);
  return html;
}

}  // namespace

std::string flame_html(const Recording& recording, std::string_view title) {
  return page(flame_json(recording, title));
}

std::string live_html() { return page("null"); }

}  // namespace otprof::tools
