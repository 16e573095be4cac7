"use strict";
/* What a cell is about: in words, where else it is so, the trials, and the exception paths.

   Timelines and paths are in files beside the page. They are scripts, as a page that was opened
   from a disk may load scripts and no other files. */

const details = (() => {
  const loaded = new Map();
  const MISSING = { missing: true };

  /** The details of a file; undefined until it is there. */
  const of = (file) => {
    if (!loaded.has(file)) {
      loaded.set(file, undefined);
      const script = document.createElement("script");
      script.src = file;
      script.onerror = () => {
        loaded.set(file, MISSING);
        render();
      };
      document.head.append(script);
    }
    return loaded.get(file);
  };
  const add = (file, found) => {
    loaded.set(file, found);
    render();
  };
  return { of, add };
})();

/** What the files beside the page call. */
function hangupDetails(file, found) {
  details.add(file, found);
}

function Details({ at, found }) {
  const { stack, scenario, surface } = at;
  return html`
    <aside class="details" role="region" aria-labelledby="details-title">
      <div class="title">
        <h2 id="details-title" tabindex="-1">
          ${stack.app} on ${stack.server}: ${inline(surface.title)}
        </h2>
        <button type="button" class="close" onClick=${closeDetails}>Close <kbd>Esc</kbd></button>
      </div>
      <${Sentences} ...${at} />
      <p class="question">${inline(scenario.question)}</p>
      <${Elsewhere} ...${at} />
      <p>
        <a href=${state.toView("scenario", { scenario: scenario.id, cell: found.cell })}>All surfaces in this scenario</a>;${" "}
        <label for="compare-with">compare this stack with</label>${" "}
          <select id="compare-with" value="" onChange=${(event) => {
            location.hash = state.toView("compare", { a: stack.id, b: event.target.value });
          }}>
            <option value="">…</option>
            ${stackOptions((one) => one !== stack)}
          </select>
      </p>
      <${Loaded} ...${at} />
      <h3>The stack</h3>
      <dl class="facts">
        <dt>app</dt><dd>${inline(stack.title)}</dd>
        <dt>server</dt><dd>${inline(stack.server_title)}</dd>
        <dt>versions</dt><dd>${stack.versions}, Python ${stack.python}</dd>
        <dt>started by</dt><dd><code>${stack.command}</code></dd>
        <dt>measured</dt><dd>${stack.date}; what had not happened was waited for ${scenario.window_s ?? stack.window_s} s</dd>
      </dl>
    </aside>
  `;
}

/** The stacks of the same version set and Python, by what the comparison with them comes to. */
function Elsewhere({ stack, scenario, surface }) {
  const cell = model.cellAt(stack, scenario, surface);
  if (model.isAbsent(cell)) return null;
  const others = model.stacks.filter((one) => one !== stack && one.group === stack.group);
  const by = (result) =>
    others.filter((one) => model.compare(cell, model.cellAt(one, scenario, surface)) === result);
  const shown = {
    same: "The same on",
    different: "Different on",
    race: "A race may explain the difference on",
    "not decided": "Too few trials to tell on",
    [model.NOT_COMPARED]: "Not run, or not known, on",
  };
  const elsewhere = model.stacks.filter(
    (one) => one.group !== stack.group && one.app === stack.app && one.server === stack.server,
  );
  return html`
    <h3>Other stacks with ${groupInWords(stack.group)}</h3>
    <ul class="elsewhere">
      ${Object.entries(shown).map(([result, title]) => {
        const found = by(result);
        return (
          found.length > 0 &&
          html`<li>
            <details open=${found.length <= 12}>
              <summary>${title} ${found.length} of ${others.length}</summary>
              ${found.map((one, i) => [
                i > 0 && ", ",
                html`<${CellLink} stack=${one} ...${{ scenario, surface }}>${one.app} on ${one.server}<//>`,
              ])}
            </details>
          </li>`
        );
      })}
    </ul>
    ${elsewhere.length > 0 &&
    html`
      <h3>The same app and server</h3>
      <ul class="elsewhere">
        ${elsewhere.map((one) => {
          const other = model.cellAt(one, scenario, surface);
          return html`<li>
            ${model.isAbsent(other)
              ? html`${capital(groupInWords(one.group))}: <${Absent} stack=${one} scenario=${scenario} />`
              : html`
                  <${CellLink} stack=${one} ...${{ scenario, surface }}>${capital(groupInWords(one.group))}<//>:
                  ${" "}${model.compare(cell, other)} (${model.look(other)})
                `}
          </li>`;
        })}
      </ul>
    `}
  `;
}

function CellLink({ stack, scenario, surface, children }) {
  return html`<a href=${state.address({ cell: state.cellId(stack, scenario, surface) })}>${children}</a>`;
}

/** What is in a file beside the page. */
function Loaded({ stack, scenario }) {
  const file = details.of(stack.details);
  if (file === undefined) return html`<p role="status">Loading ${stack.details} …</p>`;
  const command = `hangup show ${stack.app} ${stack.server} ${scenario.id}`;
  if (file.missing) {
    return html`
      <p role="status">
        Timelines and exception paths are in <code>${stack.details}</code> beside this page, which
        is not there. With the results at hand, <code>${command}</code> shows a timeline.
      </p>
    `;
  }
  const own = file.stacks[`${stack.app}/${stack.server}`];
  const found = own.scenarios[scenario.id] ?? {};
  const page = (found.as_baseline ? own.baseline_evidence : own.evidence)[scenario.kind];
  return html`
    <${Paths} file=${file} paths=${found.paths} command=${command.replace("show", "why")} />
    <${Trials} file=${file} examples=${found.examples ?? []} command=${command} />
    <p>
      The report: <a href="${page}#${scenario.id}">the evidence for${" "}
        ${found.as_baseline ? `${stack.baselineApp}, as which this variant came out` : stack.app}</a>
      ${scenario.page && html`, <a href=${scenario.page}>this scenario on all stacks</a>`}
    </p>
  `;
}

function Trials({ file, examples, command }) {
  if (!examples.length) return null;
  const of = examples.reduce((sum, example) => sum + example.n, 0);
  return html`
    <h3>Timelines</h3>
    ${examples.map(({ repeat, n, timeline = [] }, i) => {
      const title = html`Trial ${repeat}, as which ${n} of ${trials(of)} came out`;
      if (!timeline.length) return html`<p>${title}: <code>${command} --repeat ${repeat}</code> shows its timeline.</p>`;
      return html`
        <details open=${i === 0}>
          <summary>${title}</summary>
          <div class="scroll" role="region" aria-label="Timeline of trial ${repeat}" tabindex="0">
            <table class="timeline">
              <thead>
                <tr><th scope="col">ms</th><th scope="col">where</th><th scope="col">what</th></tr>
              </thead>
              <tbody>
                ${timeline.map(([line, after]) => {
                  const [where, what] = file.lines[line];
                  return html`<tr class=${after === 0 ? "zero" : ""}>
                    <td class="number">${after === null ? "" : (after / 100).toFixed(2)}</td>
                    <td>${where}</td>
                    <td>${what}</td>
                  </tr>`;
                })}
              </tbody>
            </table>
          </div>
        </details>
      `;
    })}
    ${examples.some(({ timeline }) => timeline?.length) &&
    html`<p class="note">Times count from when the client left, or the operator signalled.</p>`}
  `;
}

function Paths({ file, paths, command }) {
  const none =
    paths === undefined || paths === null
      ? "Exceptions were not traced here; hangup run --thorough does that."
      : "Nothing was thrown into the stream, its source or the endpoint in the trial that was traced.";
  return html`
    <h3>Exception path</h3>
    ${paths?.length
      ? paths.map(
          (path) => html`
            <p>${inline(file.texts[path.sentence])}</p>
            ${path.steps
              ? html`<details>
                  <summary>Frame by frame</summary>
                  <ol class="path">
                    ${path.steps.map((step) => html`<li>${inline(file.texts[step])}</li>`)}
                  </ol>
                </details>`
              : html`<p><code>${command}</code> shows it frame by frame.</p>`}
          `,
        )
      : html`<p>${none}</p>`}
  `;
}

/** Close the details, and go back to the cell that they were about. */
function closeDetails() {
  const { cell } = state.read();
  if (!cell) return;
  addEventListener("hashchange", () => focusCell(cell), { once: true });
  state.change({ cell: "" });
}

function focusCell(id) {
  const find = (wanted) => document.querySelector(`[data-cell="${CSS.escape(wanted)}"]`);
  (find(id) ?? document.querySelector("table button"))?.focus();
}
