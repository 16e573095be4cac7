"use strict";
/* The state of the page is what stands behind the # of its address: so it can be linked to, and
   the browser's back button undoes a choice. What is as it is by default is left out. */

const KINDS = {
  disconnect: "the client hangs up",
  control: "nobody hangs up",
  cleanup: "the stream cleans up",
  operator: "the operator ends the server",
  recipe: "a recipe cleans up",
};

const VIEWS = ["surface", "scenario", "compare"];

const state = (() => {
  const first = model.stacks[0];
  const known = (id, found) => (found(id) ? id : "");
  const firstOf = (wanted, things) =>
    (things.find((thing) => thing.id === wanted) ?? things[0])?.id ?? "";

  const defaults = (view) => {
    const own = model.stacks.filter((stack) => stack.group === first.group);
    const kinds = model.unique(model.scenarios.map((scenario) => scenario.kind));
    return {
      view: "surface",
      versions: first.versions,
      python: first.python,
      app: "",
      server: "",
      variant: own.some((stack) => stack.isBaseline) ? "none" : "all",
      kind: view === "compare" ? "" : kinds.includes("disconnect") ? "disconnect" : kinds[0],
      surface: view === "compare" ? "" : firstOf("stream-end", model.surfaces),
      scenario: firstOf("idle", model.scenarios),
      differences: view === "compare" ? "1" : "0",
      merged: "1",
      a: "",
      b: "",
      cell: "",
    };
  };

  /** The state that the address names. */
  const read = () => {
    const named = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    if (!VIEWS.includes(named.view)) delete named.view;
    const found = { ...defaults(named.view), ...named };
    found.scenario = known(found.scenario, model.scenario) || defaults().scenario;
    found.surface = known(found.surface, model.surface) || defaults(found.view).surface;
    found.a = known(found.a, model.stack);
    found.b = known(found.b, model.stack);
    return found;
  };

  /** The address of a state that is as the present one but for some changes. */
  const address = (changes) => {
    const next = { ...read(), ...changes };
    const usual = defaults(next.view);
    const named = Object.entries(next).filter(([name, value]) => name in usual && value !== usual[name]);
    return `#${new URLSearchParams(named)}`;
  };

  const change = (changes) => {
    location.hash = address(changes);
  };

  /** The address of another view: what only means something in this one is left behind. */
  const toView = (view, changes = {}) => {
    const usual = defaults(view);
    const { kind, surface, differences } = usual;
    return address({ kind, surface, differences, cell: "", ...changes, view });
  };

  /** The cell that is looked at, if one is. */
  const cell = (found) => {
    const parts = found.cell.split("/");
    if (parts.length < 5) return null;
    const [stack, scenario, surface] = [
      model.stack(parts.slice(0, 3).join("/")), model.scenario(parts[3]), model.surface(parts[4]),
    ];
    return stack && scenario && surface ? { stack, scenario, surface } : null;
  };
  const cellId = (stack, scenario, surface) => `${stack.id}/${scenario.id}/${surface.id}`;

  return { read, change, address, toView, cell, cellId };
})();
