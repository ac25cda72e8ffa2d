// The names of JavaScript modules, as JSON: what each file imports, exports, declares at its top level, uses of that,
// and uses without declaring it. Node brings acorn, a JavaScript parser, for its own prompt; that is the one used here:
// node --expose-internals names.cjs a.js b.js
const { readFileSync } = require("node:fs");
const { basename } = require("node:path");
const { parse } = require("internal/deps/acorn/acorn/dist/acorn");

// The names that a pattern such as a, { a, b: c = 1 } or [a, ...b] binds.
function bound(pattern) {
  switch (pattern?.type) {
    case "Identifier": return [pattern.name];
    case "ObjectPattern": return pattern.properties.flatMap((each) => bound(each.value ?? each));
    case "ArrayPattern": return pattern.elements.flatMap(bound);
    case "AssignmentPattern": return bound(pattern.left);
    case "RestElement": return bound(pattern.argument);
    default: return [];
  }
}

// The names that a list of statements declares, nested blocks left out.
const declared = (statements) => statements.filter(Boolean).flatMap((statement) => {
  const node = statement.declaration ?? statement;
  if (node.type === "VariableDeclaration") return node.declarations.flatMap(({ id }) => bound(id));
  if (node.type === "ImportDeclaration") return node.specifiers.map(({ local }) => local.name);
  return /^(Function|Class)Declaration$/.test(node.type) ? bound(node.id) : [];
});

// The names that are new inside a node, or null where it opens no scope.
function scopeOf(node) {
  if (/^(Arrow)?Function/.test(node.type)) return [...node.params.flatMap(bound), ...bound(node.id), "arguments"];
  if (node.type === "BlockStatement") return declared(node.body);
  if (node.type === "SwitchStatement") return declared(node.cases.flatMap(({ consequent }) => consequent));
  if (/^For/.test(node.type)) return declared([node.init ?? node.left]);
  if (node.type === "CatchClause") return bound(node.param);
  return node.type === "ClassExpression" ? bound(node.id) : null;
}

function names(file) {
  const program = parse(readFileSync(file, "utf8"), { sourceType: "module", ecmaVersion: "latest" });
  const top = declared(program.body);
  const [uses, missing] = [new Set(), new Set()];
  function visit(node, scopes) {
    if (Array.isArray(node)) node.forEach((each) => visit(each, scopes));
    if (typeof node?.type !== "string" || node.type === "ImportDeclaration") return;
    if (node.type === "Identifier") {
      if (scopes.some((scope) => scope.includes(node.name))) return;
      (top.includes(node.name) ? uses : missing).add(node.name);
      return;
    }
    const own = scopeOf(node);
    const inside = own ? [...scopes, own] : scopes;
    for (const [key, child] of Object.entries(node)) {
      const label = (key === "property" || key === "key") && !node.computed;
      if (!label) visit(child, inside);
    }
  }
  visit(program.body, []);
  const of = (type) => program.body.filter((node) => node.type === type);
  return {
    imports: of("ImportDeclaration").flatMap(({ source, specifiers }) => specifiers.map(({ local }) => [source.value, local.name])),
    exports: of("ExportNamedDeclaration").flatMap((node) => declared([node])),
    declares: top, uses: [...uses], missing: [...missing],
  };
}

console.log(JSON.stringify(Object.fromEntries(process.argv.slice(2).map((file) => [basename(file), names(file)]))));
