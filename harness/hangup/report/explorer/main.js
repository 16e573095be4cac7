"use strict";
/* The page: what to show, the choices, the table, and the details of a cell. */

const TITLES = {
  surface: "One surface, by what happens",
  scenario: "One scenario, by surface",
  compare: "Two stacks side by side",
};

const option = (value, text) => html`<option value=${value} key=${value}>${text}</option>`;
const plain = (text) => text.replaceAll("`", "");

/** Options for all stacks that pass, by version set and Python. */
function stackOptions(passes = () => true) {
  return model.unique(model.stacks.map((stack) => stack.group)).map(
    (group) => html`
      <optgroup label=${groupInWords(group)} key=${group}>
        ${model.stacks
          .filter((stack) => stack.group === group && passes(stack))
          .map((stack) => option(stack.id, `${stack.app} on ${stack.server}`))}
      </optgroup>
    `,
  );
}

function scenarioOptions() {
  const kinds = model.unique(model.scenarios.map((scenario) => scenario.kind));
  return kinds.map(
    (kind) => html`
      <optgroup label=${capital(KINDS[kind])} key=${kind}>
        ${model.scenarios
          .filter((scenario) => scenario.kind === kind)
          .map((scenario) => option(scenario.id, plain(scenario.title)))}
      </optgroup>
    `,
  );
}

function Choice({ name, label, found, children, changes = {} }) {
  const choose = (event) => state.change({ cell: "", ...changes, [name]: event.target.value });
  return html`
    <div class="choice">
      <label for="choice-${name}">${label}</label>
      <select id="choice-${name}" value=${found[name]} onChange=${choose}>${children}</select>
    </div>
  `;
}

function Check({ name, label, found }) {
  const choose = (event) => state.change({ [name]: event.target.checked ? "1" : "0" });
  return html`
    <div class="check">
      <input type="checkbox" id="check-${name}" checked=${found[name] === "1"} onChange=${choose} />
      <label for="check-${name}">${label}</label>
    </div>
  `;
}

function Choices({ found }) {
  const of = (field) => model.unique(model.stacks.map((stack) => stack[field])).filter(Boolean);
  const any = (text) => option("", text);
  const kinds = model.unique(model.scenarios.map((scenario) => scenario.kind));
  const compares = found.view === "compare";
  const surfaces = compares ? model.surfaces : surfacesFor(found);
  return html`
    <form class="choices" onSubmit=${(event) => event.preventDefault()} aria-label="What is shown">
      ${compares &&
      html`
        <${Choice} name="a" label="First stack" found=${found}>${any("…")}${stackOptions()}<//>
        <${Choice} name="b" label="Second stack" found=${found}>${any("…")}${stackOptions()}<//>
      `}
      ${found.view !== "scenario" &&
      html`
        <${Choice} name="surface" label="Surface" found=${compares ? found : { ...found, surface: shownSurface(found).id }}>
          ${compares && any("all")}
          ${surfaces.map(({ id, title }) => option(id, plain(title)))}
        <//>
      `}
      ${found.view === "scenario"
        ? html`<${Choice} name="scenario" label="Scenario" found=${found}>${scenarioOptions()}<//>`
        : html`
            <${Choice} name="kind" label="When" found=${found}>
              ${any(compares ? "all" : "all but recipes")}
              ${kinds.map((kind) => option(kind, KINDS[kind]))}
            <//>
          `}
      ${!compares &&
      html`
        <${Choice} name="versions" label="Version set" found=${found}>
          ${any("all")}${of("versions").map((id) => option(id, id))}
        <//>
        <${Choice} name="python" label="Python" found=${found}>
          ${any("all")}${of("python").map((id) => option(id, id))}
        <//>
        <${Choice} name="app" label="App" found=${found}>
          ${any("all")}${of("baselineApp").map((id) => option(id, id))}
        <//>
        <${Choice} name="server" label="Server" found=${found}>
          ${any("all")}${of("baselineServer").map((id) => option(id, id))}
        <//>
        <${Choice} name="variant" label="Variant" found=${found}>
          ${option("none", "baselines only")}${option("all", "baselines and variants")}
          <optgroup label="Of apps, beside their baselines">
            ${of("appVariant").map((id) => option(`app:${id}`, id))}
          </optgroup>
          <optgroup label="Of servers, beside their baselines">
            ${of("serverVariant").map((id) => option(`server:${id}`, id))}
          </optgroup>
        <//>
      `}
      <${Check} name="differences" label="Only differences" found=${found} />
      ${!compares && html`<${Check} name="merged" label="One row for servers that look the same" found=${found} />`}
    </form>
  `;
}

function Views({ found }) {
  return html`
    <nav aria-label="Views">
      ${Object.entries(TITLES).map(
        ([view, title]) => html`
          <a href=${state.toView(view)} aria-current=${view === found.view ? "page" : undefined} key=${view}>${title}</a>
        `,
      )}
    </nav>
  `;
}

function Legend() {
  return html`
    <section aria-labelledby="legend-title">
      <h2 id="legend-title">What the symbols mean</h2>
      <ul class="legend">
        ${model.data.symbols
          .filter(({ name }) => name !== "absent")
          .map(
            ({ name, shape, meaning }) => html`
              <li class="seen-${name}"><span class="shape" aria-hidden="true">${shape}</span> ${meaning}</li>
            `,
          )}
      </ul>
      <p>
        <b>3/5</b> is 3 of 5 trials; without it, all trials came out so. Two cells differ only if an
        exact test says that repeats alone would seldom do this, as in <code>hangup diff</code>:
      </p>
      <dl class="meanings">
        ${Object.entries(model.results).map(([result, meaning]) => html`<dt>${result}</dt><dd>${meaning}</dd>`)}
      </dl>
      <h2>This page</h2>
      <p>
        It was written by <code>hangup report</code> (hangup ${model.data.hangup}) and needs no
        network. Opened from a disk, all of it works; timelines and exception paths are loaded from
        the directory <code>explorer</code> beside it. What is shown is in the address: it can be
        linked to, and the browser's back button undoes a choice. In the table, the arrow keys go
        from cell to cell, Enter opens one, Escape closes it.${" "}
        <a href="README.md">The report</a> says in words what follows.
      </p>
    </section>
  `;
}

function Page({ found }) {
  const at = state.cell(found);
  return html`
    <header>
      <h1>When an SSE client hangs up: explore and compare</h1>
      <p>
        ${model.stacks.length} stacks (an app on a server, under a version set and a Python), ${" "}
        ${model.scenarios.length} scenarios. A cell is what was seen; open one to read why.
      </p>
      <${Views} found=${found} />
    </header>
    <main class=${at ? "with-details" : ""}>
      <div class="table">
        <${Choices} found=${found} />
        ${found.view === "compare" ? html`<${Comparison} found=${found} />` : html`<${Matrix} found=${found} />`}
      </div>
      ${at && html`<${Details} at=${at} found=${found} key=${found.cell} />`}
    </main>
    <footer><${Legend} /></footer>
  `;
}

let _shownCell = "";

function render() {
  const root = document.getElementById("page");
  root.querySelector("noscript")?.remove();
  const found = state.read();
  preact.render(html`<${Page} found=${found} />`, root);
  const table = root.querySelector("table.matrix, table.comparison");
  if (table && !table.querySelector('td button[tabindex="0"]')) {
    const first = table.querySelector("td button");
    if (first) first.tabIndex = 0;
  }
  if (found.cell && found.cell !== _shownCell) {
    table
      ?.querySelector('[aria-pressed="true"]')
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
    document.getElementById("details-title")?.focus({ preventScroll: true });
  }
  _shownCell = found.cell;
}

addEventListener("hashchange", render);
addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeDetails();
});
render();
