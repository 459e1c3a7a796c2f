// Writes docs/reference/options.md and docs/reference/decorators.md from the docstrings of what the package exports:
// `node scripts/reference.mjs`. test/rules/reference.spec.ts fails when a page is not what this would write.
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const note = '<!-- Written by scripts/reference.mjs from the docstrings. Do not edit. -->';

/** The entries of the package: `nest-gatehouse` first, then its subpaths. */
function entriesOf() {
  const subpaths = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('/index.ts'))
    .sort();
  return [
    ['nest-gatehouse', join(root, 'src/index.ts')],
    ...subpaths.map((path) => [`nest-gatehouse/${dirname(path)}`, join(root, 'src', path)]),
  ];
}

function openProgram(files) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['src/index.ts'] }, ts.sys, root);
  return ts.createProgram(files, options);
}

/** Docstrings are broken at a column; on the page a paragraph is one line. Outside of code, `<` would begin an element. */
function toMarkdown(text) {
  const inCode = /(```[\s\S]*?```|`[^`]*`)/;
  return text
    .replaceAll(/\{@link(?:code)? ([^}|]+?)(?:\s*\|[^}]*)?\}/g, '`$1`')
    .split(inCode)
    .map((part, at) => (at % 2 === 1 ? part : part.replaceAll('<', '&lt;').replaceAll(/(?<!\n)\n(?![\n-])/g, ' ')))
    .map((part) => (part.startsWith('```') ? part : part.replaceAll(/ {2,}/g, ' ')))
    .join('')
    .trim();
}

function tagsOf(symbol, checker, name) {
  return symbol
    .getJsDocTags(checker)
    .filter((tag) => tag.name === name)
    .map(({ text }) => toMarkdown(ts.displayPartsToString(text)));
}

const documentationOf = (symbol, checker) =>
  toMarkdown(ts.displayPartsToString(symbol.getDocumentationComment(checker)));

/** What a property is, as one writes it: the words of a union, otherwise the type as it is declared. */
function typeOf(property, checker) {
  const declaration = property.valueDeclaration;
  const type = checker.getNonNullableType(checker.getTypeOfSymbol(property));
  const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.InTypeAlias;
  const isWords =
    type.isUnion() &&
    type.types.every((part) => part.flags & (ts.TypeFlags.StringLiteral | ts.TypeFlags.BooleanLiteral));
  const declared = declaration?.type?.getText();
  const text = isWords || declared === undefined ? checker.typeToString(type, undefined, flags) : declared;
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('"', "'");
}

function optionOf(property, checker) {
  const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
  const [standard] = tagsOf(property, checker, 'defaultValue');
  const isOld = property.getJsDocTags(checker).some(({ name }) => name === 'deprecated');
  const facts = [
    `\`${typeOf(property, checker)}\``,
    isOptional ? undefined : 'required',
    isOld ? 'deprecated' : undefined,
  ];
  const [old = ''] = tagsOf(property, checker, 'deprecated');
  const lines = [
    `**\`${property.name}\`** · ${facts.filter((fact) => fact !== undefined).join(' · ')}`,
    [documentationOf(property, checker), old].filter((text) => text !== '').join(' '),
    standard === undefined ? '' : `Default: ${standard}`,
  ];
  return lines.filter((line) => line !== '').join('\n\n');
}

function isOptions(symbol) {
  return /(Options|Delivery)$/.test(symbol.name) && !/^(Auth|.*)(OptionsFactory)$/.test(symbol.name);
}

const exportsOf = (program, checker, file) =>
  checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)))
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol));

/** A name for a few texts, `'cookie' | 'body'`: what is told of it are the texts, and not the methods of a string. */
function textsSection(symbol, type, checker) {
  const texts = `\`${checker.typeToString(type, undefined, ts.TypeFormatFlags.InTypeAlias)}\``.replaceAll('"', "'");
  return [`### ${symbol.name}`, documentationOf(symbol, checker), texts].filter((part) => part !== '').join('\n\n');
}

function optionsSection(symbol, checker) {
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  const members = type.isUnion() ? type.types : [type];
  if (members.every((member) => member.isStringLiteral())) return textsSection(symbol, type, checker);
  const properties = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol));
  const own = properties.filter(({ name }) => !name.startsWith('__@'));
  if (own.length === 0) return undefined;
  const parts = [`### ${symbol.name}`, documentationOf(symbol, checker), ...own.map((one) => optionOf(one, checker))];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** The examples of docstrings are compiled with the sources that have them, or need what surrounds them. */
function pageWith(parts) {
  return `${parts.join('\n\n')}\n`.replaceAll(/^```ts$/gm, '<!-- not compiled: from a docstring -->\n\n```ts');
}

function optionsPage(program, checker, entries) {
  const seen = new Set();
  const parts = [
    '# Options',
    note,
    'The options of every module, preset and function, from the docstrings that an editor shows. In one table: [configuration](../guides/configuration.md), [presets](presets.md).',
  ];
  for (const [name, file] of entries) {
    const symbols = exportsOf(program, checker, file).filter((symbol) => isOptions(symbol) && !seen.has(symbol));
    for (const symbol of symbols) seen.add(symbol);
    const sections = symbols.map((symbol) => optionsSection(symbol, checker)).filter((text) => text !== undefined);
    if (sections.length > 0) parts.push(`## ${name}`, ...sections);
  }
  return pageWith(parts);
}

/** Functions whose result is a decorator. */
function isDecorator(symbol, checker) {
  const declaration = symbol.valueDeclaration;
  if (declaration === undefined) return false;
  const [signature] = checker.getTypeOfSymbol(symbol).getCallSignatures();
  return signature !== undefined && /Decorator\b/.test(checker.typeToString(signature.getReturnType()));
}

function decoratorSection(symbol, checker) {
  const [declaration] = symbol.getDeclarations() ?? [];
  const parameters = (declaration.parameters ?? []).map((parameter) => parameter.getText().replaceAll(/\s+/g, ' '));
  const throws = tagsOf(symbol, checker, 'throws').map((text) => `Throws ${text.replace(/^\{?(\w+)\}?/, '`$1`')}`);
  const old = tagsOf(symbol, checker, 'deprecated').map((text) => `Deprecated. ${text}`);
  const texts = [documentationOf(symbol, checker), ...throws, ...old].filter((text) => text !== '');
  return [`### @${symbol.name}`, `\`@${symbol.name}(${parameters.join(', ')})\``, ...texts].join('\n\n');
}

function decoratorsPage(program, checker, entries) {
  const seen = new Set();
  const parts = [
    '# Decorators',
    note,
    'What each does, from the docstrings that an editor shows. How they are used: [on a route](../guides/routes.md), [authorization](../guides/authorization.md).',
  ];
  for (const [name, file] of entries) {
    const found = exportsOf(program, checker, file).filter(
      (symbol) => !seen.has(symbol) && isDecorator(symbol, checker),
    );
    for (const symbol of found) seen.add(symbol);
    if (found.length > 0) parts.push(`## ${name}`, ...found.map((symbol) => decoratorSection(symbol, checker)));
  }
  return pageWith(parts);
}

/** The pages as they should be, by their paths. @returns {Record<string, string>} */
export function writeReference() {
  const entries = entriesOf();
  const program = openProgram(entries.map(([, file]) => file));
  const checker = program.getTypeChecker();
  return {
    'docs/reference/options.md': optionsPage(program, checker, entries),
    'docs/reference/decorators.md': decoratorsPage(program, checker, entries),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, text] of Object.entries(writeReference())) {
    writeFileSync(join(root, path), text);
    console.log(path);
  }
}
