"use strict";
/* The embedded data, to be asked for cells (hangup.report.explorer.data says what each field is). */

const model = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const NOT_COMPARED = "not compared";
  const RECIPE = "recipe";
  const isOfRecipes = (surface) => surface.id.startsWith(RECIPE);
  const results = Object.keys(data.results);
  const compared = new Map(data.compared.map(([a, b, result]) => [`${a} ${b}`, results[result]]));
  const cellsOfRows = data.rows.map((row) => new Map(row));
  const place = (things) => new Map(things.map((thing, i) => [thing.id, i]));

  const stacks = data.stacks.map((stack, i) => {
    const [app, appVariant = ""] = stack.app.split("+");
    const [server, serverVariant = ""] = stack.server.split("+");
    const group = `${stack.versions}-py${stack.python}`;
    return {
      ...stack, place: i, group, id: `${group}/${stack.app}/${stack.server}`,
      baselineApp: app, appVariant, baselineServer: server, serverVariant,
      isBaseline: !appVariant && !serverVariant,
    };
  });
  const scenarios = data.scenarios.map((scenario, i) => ({ ...scenario, place: i }));
  const surfaces = data.surfaces.map((surface, i) => ({ ...surface, place: i }));
  const placeOfStack = place(stacks);
  const placeOfScenario = place(scenarios);
  const placeOfSurface = place(surfaces);

  const ran = (stack, scenario) => data.table[stack.place][scenario.place] >= 0;

  /** The place of a cell; undefined where nothing was looked at. */
  const cellAt = (stack, scenario, surface) =>
    cellsOfRows[data.table[stack.place][scenario.place]]?.get(surface.place);

  /** What a cell holds: how many trials, and what was seen in how many of them. */
  const seenIn = (cell) => {
    const [of, seen] = data.cells[cell];
    return {
      of,
      seen: seen.map(([what, n]) => {
        const { text, meaning, symbol } = data.observed[what];
        return { text, meaning, n, symbol: data.symbols[symbol] };
      }),
    };
  };

  const isAbsent = (cell) =>
    cell === undefined || seenIn(cell).seen.every((one) => one.symbol.name === "absent");

  /** What the comparison of two cells comes to, as `hangup diff` decides it. */
  const compare = (a, b) => {
    if (isAbsent(a) || isAbsent(b)) return NOT_COMPARED;
    if (!data.cells[a][2] || !data.cells[b][2]) return NOT_COMPARED;
    return compared.get(a < b ? `${a} ${b}` : `${b} ${a}`) ?? "same";
  };

  /** Whether any two of some cells differ. */
  const anyDiffer = (cells) => {
    const distinct = [...new Set(cells)];
    return distinct.some((a, i) => distinct.slice(i + 1).some((b) => compare(a, b) === "different"));
  };

  /** What tells cells apart that are shown: where all trials agree, not how many there were. */
  const look = (cell) => {
    if (cell === undefined) return "";
    const { of, seen } = seenIn(cell);
    return seen.map(({ text, n }) => (n === of ? text : `${text} ${n}/${of}`)).join(", ");
  };

  const unique = (values) => [...new Set(values)];
  return {
    data, stacks, scenarios, surfaces, RECIPE, isOfRecipes, NOT_COMPARED,
    stack: (id) => stacks[placeOfStack.get(id)],
    scenario: (id) => scenarios[placeOfScenario.get(id)],
    surface: (id) => surfaces[placeOfSurface.get(id)],
    ran, cellAt, seenIn, isAbsent, compare, anyDiffer, look, unique,
    results: { ...data.results, [NOT_COMPARED]: "one of the two has no such thing, or does not know" },
  };
})();
