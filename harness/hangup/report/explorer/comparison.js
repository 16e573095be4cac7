"use strict";
/* Two stacks side by side. */

function comparisonOf(found) {
  const [a, b] = [model.stack(found.a), model.stack(found.b)];
  const rows = [];
  const count = {};
  for (const scenario of model.scenarios) {
    if (found.kind && scenario.kind !== found.kind) continue;
    for (const surface of model.surfaces) {
      if (found.surface && surface.id !== found.surface) continue;
      const cells = [a, b].map((stack) => model.cellAt(stack, scenario, surface));
      if (cells.every(model.isAbsent)) continue;
      const result = model.compare(...cells);
      count[result] = (count[result] ?? 0) + 1;
      if (found.differences === "1" && result !== "different") continue;
      rows.push({ scenario, surface, cells, result });
    }
  }
  return { a, b, rows, count };
}

function Comparison({ found }) {
  if (!found.a || !found.b) {
    return html`<p class="empty" role="status">Choose two stacks to compare.</p>`;
  }
  const { a, b, rows, count } = comparisonOf(found);
  const counted = Object.keys(model.results).filter((result) => count[result]);
  const several = (n, result) => `${n} ${result === "race" && n > 1 ? "races" : result}`;
  const scenarios = model.unique(rows.map((row) => row.scenario));
  return html`
    <p role="status" class="status">
      ${counted.length
        ? `Of what surfaces saw: ${counted.map((result) => several(count[result], result)).join(", ")}.`
        : "These two have no scenario in common that was run."}
    </p>
    ${rows.length > 0
      ? html`
          <div class="scroll" role="region" aria-label="The comparison" tabindex="0">
            <table class="comparison" onKeyDown=${moveInTable} onFocusIn=${rememberPlace}>
              <caption>
                ${a.id} and ${b.id}: ${found.differences === "1" ? "where they differ" : "all that was looked at"}.
              </caption>
              <thead>
                <tr>
                  <th scope="col" class="corner">what happens</th>
                  <th scope="col">surface</th>
                  <th scope="col">${a.app}<br />${a.server}${a.group !== b.group && html`<br />${groupInWords(a.group)}`}</th>
                  <th scope="col">${b.app}<br />${b.server}${a.group !== b.group && html`<br />${groupInWords(b.group)}`}</th>
                  ${found.differences !== "1" && html`<th scope="col">compared</th>`}
                </tr>
              </thead>
              ${scenarios.map((scenario) => {
                const own = rows.filter((row) => row.scenario === scenario);
                return html`
                  <tbody key=${scenario.id}>
                    ${own.map(
                      (row, i) => html`
                        <tr key=${row.surface.id} class=${row.result === "different" ? "differs" : ""}>
                          ${i === 0 &&
                          html`<th scope="rowgroup" rowspan=${own.length}>
                            ${inline(capital(scenario.title))} <code class="id">${scenario.id}</code>
                          </th>`}
                          <th scope="row" class="surface">${inline(row.surface.title)}</th>
                          ${[a, b].map((stack, side) => html`<${ComparedCell} stack=${stack} row=${row} cell=${row.cells[side]} found=${found} />`)}
                          ${found.differences !== "1" && html`<td>${row.result}</td>`}
                        </tr>
                      `,
                    )}
                  </tbody>
                `;
              })}
            </table>
          </div>
        `
      : counted.length > 0 && html`<p class="empty">Nothing here differs beyond what repeats explain.</p>`}
  `;
}

function ComparedCell({ stack, row, cell, found }) {
  if (model.isAbsent(cell)) {
    return html`<td class="absent"><${Absent} stack=${stack} scenario=${row.scenario} /></td>`;
  }
  const opens = state.cellId(stack, row.scenario, row.surface);
  return html`
    <td>
      <button type="button" tabindex="-1" data-cell=${opens}
        aria-pressed=${String(opens === found.cell)}
        onClick=${() => state.change({ cell: opens })}>
        <${Seen} cell=${cell} />
      </button>
    </td>
  `;
}
