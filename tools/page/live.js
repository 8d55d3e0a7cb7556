// SPDX-License-Identifier: Apache-2.0
// Where the document comes from: it is in the page, or `otprof serve` is asked for it again and
// again while the page is looked at.

const kRefreshMs = 2000;

function follow(page, url) {
  const button = $('live');
  let version = '';
  page.live = true;
  button.hidden = false;
  button.addEventListener('click', () => {
    button.setAttribute('aria-pressed', button.getAttribute('aria-pressed') !== 'true');
    label();
  });
  const running = () => button.getAttribute('aria-pressed') === 'true';
  const label = () => { button.textContent = running() ? 'Live' : 'Paused'; };
  const poll = async () => {
    try {
      // A list that is being chosen from must not change.
      const choosing = document.activeElement?.matches('select');
      if (!version || (running() && !document.hidden && !choosing)) {
        const answer = await fetch(`${url}?after=${encodeURIComponent(version)}`);
        if (answer.status === 200) {
          version = answer.headers.get('X-Otprof-Version') || '';
          page.load(await answer.json());
        }
      }
      button.classList.remove('lost');
      label();
    } catch (error) {
      button.classList.add('lost');
      button.textContent = error instanceof TypeError ? 'Connection lost' : 'Failed';
    }
    setTimeout(poll, kRefreshMs);
  };
  label();
  poll();
}

const page = new Page();
const data = JSON.parse($('data').textContent);
if (data) page.load(data); else follow(page, 'profile.json');
