"use strict";
/* Texts: the little Markdown there is in them, and what cells say in words. */

const html = htm.bind(preact.h);

const _MARK = /`([^`]+)`|\*\*(.+?)\*\*|\[([^\]]+)\]\((https:\/\/[^)\s]*|[^):\s]+)\)/;

/** Text with code, bold type and links, as elements. */
function inline(text) {
  const found = _MARK.exec(text);
  if (!found) return text;
  const [whole, code, bold, linked, target] = found;
  const marked = code
    ? html`<code>${code}</code>`
    : bold
      ? html`<b>${inline(bold)}</b>`
      : html`<a href=${target}>${inline(linked)}</a>`;
  return [text.slice(0, found.index), marked, inline(text.slice(found.index + whole.length))];
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const trials = (n) => (n === 1 ? "1 trial" : `${n} trials`);
const isException = (one) => one.meaning === null;

/** What was seen, with its symbol, and in how many trials where not all agree. */
function Seen({ cell }) {
  const { of, seen } = model.seenIn(cell);
  return seen.map(
    ({ text, n, symbol, meaning }) => html`
      <span class="seen seen-${symbol.name}">
        <span class="shape" aria-hidden="true">${symbol.shape}</span>${" "}
        <span>${isException({ meaning }) ? html`<code>${text}</code>` : text}</span>
        ${of > 0 && n !== of && html` <span class="share">${n}/${of}</span>`}
      </span>
    `,
  );
}

/** Why there is nothing in a cell. */
function Absent({ stack, scenario }) {
  return model.ran(stack, scenario) ? "not applicable" : "not run";
}

/** What a surface came to, to follow on its name. */
function predicate({ text, meaning }, surface) {
  if (isException({ meaning })) return html`saw <code>${text}</code>`;
  if (text === "nothing") return "saw nothing";
  if (surface.id === "client") return html`got “${text}”`;
  return html`came out as “${text}”`;
}

/** What was seen in a cell, in sentences. */
function Sentences({ stack, scenario, surface }) {
  const cell = model.cellAt(stack, scenario, surface);
  const where = html`<b>${inline(capital(scenario.title))}</b>, with ${stack.app} on ${stack.server}`;
  if (!model.ran(stack, scenario)) return html`<p>${where}: this was not run.</p>`;
  if (model.isAbsent(cell)) {
    return html`<p>${where}: there is no such thing as ${inline(surface.title)}.</p>`;
  }
  const { of, seen } = model.seenIn(cell);
  return html`
    <p>
      ${where}: ${inline(surface.title)}${" "}
      ${seen.map((one, i) => [i > 0 && ", ", predicate(one, surface), ` in ${one.n} of ${trials(of)}`])}.
    </p>
    <dl class="meanings">
      ${seen
        .filter((one) => one.meaning)
        .map((one) => html`<dt>${one.text}</dt><dd>${inline(one.meaning)}</dd>`)}
    </dl>
  `;
}
