"use strict";
/* The matrix: stacks in rows; in columns the scenarios of one surface, or the surfaces of one
   scenario. */

/** The surfaces there are to choose from: recipes have their own. */
function surfacesFor({ kind }) {
  return model.surfaces.filter((one) => model.isOfRecipes(one) === (kind === model.RECIPE));
}

/** The surface that is shown. */
function shownSurface(found) {
  const surfaces = surfacesFor(found);
  return surfaces.find((one) => one.id === found.surface) ?? surfaces[0];
}

/** Whether a stack is one of those that the choices leave. */
function isChosen(stack, found) {
  const { versions, python, app, server, variant } = found;
  return (
    (!versions || stack.versions === versions) &&
    (!python || stack.python === python) &&
    (!app || stack.baselineApp === app) &&
    (!server || stack.baselineServer === server) &&
    (variant === "all" || stack.isBaseline || isVariant(stack, variant))
  );
}

function isVariant(stack, variant) {
  return [`app:${stack.appVariant}`, `server:${stack.serverVariant}`].includes(variant);
}

/** The baseline of a variant, in an app or in a server, that is shown beside it. */
function baselineOf(stack, variant) {
  const [kind] = variant.split(":");
  return model.stacks.find(
    (one) =>
      one.group === stack.group &&
      one.app === (kind === "app" ? stack.baselineApp : stack.app) &&
      one.server === (kind === "server" ? stack.baselineServer : stack.server),
  );
}

/** The stacks that are shown: of a variant, each beside what it is a variant of. */
function shownStacks(found) {
  const { variant } = found;
  if (!variant.includes(":")) return model.stacks.filter((stack) => isChosen(stack, found));
  const varied = model.stacks.filter((stack) => isChosen(stack, found) && isVariant(stack, variant));
  const pairs = varied.flatMap((stack) => [baselineOf(stack, variant), stack]);
  return model.unique(pairs.filter(Boolean));
}

/** Whether stacks differ in a column: any two, or a variant from its own baseline. */
function differIn(column, stacks, variant) {
  const cell = (stack) => stack && model.cellAt(stack, column.scenario, column.surface);
  if (!variant.includes(":")) return model.anyDiffer(stacks.map(cell));
  return stacks
    .filter((stack) => isVariant(stack, variant))
    .some((stack) => model.compare(cell(stack), cell(baselineOf(stack, variant))) === "different");
}

/** What the matrix shows: columns, and rows of stacks that look the same in all of them. */
function matrixOf(found) {
  const stacks = shownStacks(found);
  const all = found.view === "scenario" ? columnsOfScenario(found) : columnsOfSurface(found);
  const looked = all.filter((column) =>
    stacks.some((stack) => !model.isAbsent(model.cellAt(stack, column.scenario, column.surface))),
  );
  const columns =
    found.differences === "1"
      ? looked.filter((column) => differIn(column, stacks, found.variant))
      : looked;
  const rows = [];
  for (const stack of stacks) {
    const cells = columns.map((column) => model.cellAt(stack, column.scenario, column.surface));
    const look = [stack.group, stack.app, ...cells.map(model.look)].join("\n");
    const same = found.merged === "1" && rows.find((row) => row.look === look);
    if (same) same.stacks.push(stack);
    else rows.push({ look, stacks: [stack], cells });
  }
  return { columns, rows, stacks, hidden: looked.length - columns.length };
}

function columnsOfSurface(found) {
  const surface = shownSurface(found);
  return model.scenarios
    .filter((one) => (found.kind ? one.kind === found.kind : one.kind !== model.RECIPE))
    .map((scenario) => ({ scenario, surface, title: scenario.title, id: scenario.id }));
}

function columnsOfScenario(found) {
  const scenario = model.scenario(found.scenario);
  return model.surfaces.map((surface) => ({
    scenario, surface, title: surface.title, id: surface.id,
  }));
}

function Matrix({ found }) {
  const { columns, rows, stacks, hidden } = matrixOf(found);
  const groups = model.unique(stacks.map((stack) => stack.group));
  const looked =
    found.view === "scenario"
      ? html`what each surface saw, when: ${inline(model.scenario(found.scenario).title)}`
      : html`what was seen of ${inline(shownSurface(found).title)}, by what happens`;
  const parts = [
    `${stacks.length} ${stacks.length === 1 ? "stack" : "stacks"} in ` +
      `${rows.length} ${rows.length === 1 ? "row" : "rows"}`,
    `${columns.length} ${columns.length === 1 ? "column" : "columns"}`,
    ...(hidden ? [`${hidden} more in which ${nothingDiffers(found)}`] : []),
  ];
  return html`
    <p role="status" class="status">${parts.join(", ")}.</p>
    ${rows.length > 0 && columns.length > 0
      ? html`
          <div class="scroll" role="region" aria-label="The matrix" tabindex="0">
            <table class="matrix" onKeyDown=${moveInTable} onFocusIn=${rememberPlace}>
              <caption>
                ${capital(groups.map(groupInWords).join("; "))}: ${looked}.
              </caption>
              <thead>
                <tr>
                  <th scope="col" class="corner">stack</th>
                  ${columns.map(
                    ({ id, title }) => html`
                      <th scope="col" key=${id}>${inline(title)} <code class="id">${id}</code></th>
                    `,
                  )}
                </tr>
              </thead>
              <tbody>
                ${rows.map((row) => html`<${MatrixRow} row=${row} columns=${columns} found=${found} groups=${groups} key=${row.stacks[0].id} />`)}
              </tbody>
            </table>
          </div>
        `
      : html`<p class="empty">
          ${!rows.length
            ? "No stack is left by these choices."
            : hidden
              ? "Nothing here differs beyond what repeats explain."
              : "Nothing of this was run on these stacks."}
        </p>`}
  `;
}

const nothingDiffers = ({ variant }) =>
  variant.includes(":") ? "no variant differs from its baseline" : "no two of them differ";
const groupInWords = (group) => group.replace(/-py([\d.]+)$/, " versions on Python $1");

function MatrixRow({ row, columns, found, groups }) {
  const { stacks, cells } = row;
  const [stack] = stacks;
  return html`
    <tr>
      <th scope="row">
        <b>${stack.app}</b><br />${stacks.map((one) => one.server).join(", ")}
        ${groups.length > 1 && html`<br /><small>${groupInWords(stack.group)}</small>`}
      </th>
      ${columns.map(({ scenario, surface, id }, i) => {
        const cell = cells[i];
        if (model.isAbsent(cell)) {
          return html`<td key=${id} class="absent"><${Absent} stack=${stack} scenario=${scenario} /></td>`;
        }
        const opens = state.cellId(stack, scenario, surface);
        const open = stacks.some((one) => state.cellId(one, scenario, surface) === found.cell);
        return html`
          <td key=${id}>
            <button type="button" tabindex="-1" data-cell=${opens} aria-pressed=${String(open)}
              onClick=${() => state.change({ cell: opens })}>
              <${Seen} cell=${cell} />
            </button>
          </td>
        `;
      })}
    </tr>
  `;
}

const _STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Arrow keys go from cell to cell, over those in which there is nothing to open. */
function moveInTable(event) {
  const [down, right] = _STEPS[event.key] ?? [];
  const cell = event.target.closest("td");
  if (down === undefined || !cell) return;
  const rows = [...event.currentTarget.querySelectorAll("tbody tr")];
  let row = rows.indexOf(cell.parentElement);
  // Counted from the right, as a first column may span several rows.
  let column = cell.cellIndex - cell.parentElement.cells.length;
  do {
    row += down;
    column += right;
    const place = rows[row]?.cells[rows[row].cells.length + column];
    if (column >= 0 || !place) break;
    const button = place.querySelector("button");
    if (button) {
      button.focus();
      button.scrollIntoView({ block: "nearest", inline: "nearest" });
      break;
    }
  } while (true);
  event.preventDefault();
}

/** Of all cells, Tab comes to the one that was in use last. */
function rememberPlace(event) {
  const button = event.target.closest("td button");
  if (!button) return;
  for (const other of event.currentTarget.querySelectorAll('td button[tabindex="0"]')) {
    other.tabIndex = -1;
  }
  button.tabIndex = 0;
}
