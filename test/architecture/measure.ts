/** Measures a source file by its syntax tree: what DESIGN §8 limits. */
import ts from 'typescript';

export interface Measured {
  readonly file: string;
  /** Without blank lines and comments. */
  readonly lines: number;
  readonly functions: readonly { readonly at: string; readonly lines: number; readonly parameters: number }[];
  /** `file:line` of each. */
  readonly anys: readonly string[];
  readonly plainErrors: readonly string[];
  readonly defaultExports: readonly string[];
}

export function measure(file: string, text: string): Measured {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const code = codeLines(source);
  const linesOf = (node: ts.Node) => {
    const first = lineOf(source, node.getStart(source));
    const last = lineOf(source, node.getEnd());
    return [...code].filter((line) => line >= first && line <= last).length;
  };
  const at = (node: ts.Node) => `${file}:${lineOf(source, node.getStart(source)) + 1}`;
  const found = {
    functions: [] as Measured['functions'][number][],
    anys: [] as string[],
    plainErrors: [] as string[],
    defaultExports: [] as string[],
  };
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body) {
      found.functions.push({ at: at(node), lines: linesOf(node), parameters: node.parameters.length });
    }
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.anys.push(at(node));
    if (isPlainError(node)) found.plainErrors.push(at(node));
    if (!source.isDeclarationFile && isDefaultExport(node)) found.defaultExports.push(at(node));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { file, lines: code.size, ...found };
}

/** Lines that carry at least one token. */
function codeLines(source: ts.SourceFile): ReadonlySet<number> {
  const lines = new Set<number>();
  const visit = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) return;
    if (node.getChildCount(source) > 0) {
      node.getChildren(source).forEach(visit);
      return;
    }
    const last = lineOf(source, node.getEnd());
    for (let line = lineOf(source, node.getStart(source)); line <= last; line++) lines.add(line);
  };
  source.statements.forEach(visit);
  return lines;
}

function lineOf(source: ts.SourceFile, position: number): number {
  return source.getLineAndCharacterOfPosition(position).line;
}

function isPlainError(node: ts.Node): boolean {
  if (!ts.isThrowStatement(node) || !ts.isNewExpression(node.expression)) return false;
  const { expression } = node.expression;
  return ts.isIdentifier(expression) && /^(Error|TypeError|RangeError)$/.test(expression.text);
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some((each) => each.kind === ts.SyntaxKind.DefaultKeyword)
  );
}

/** The value that `share` of all are not above: 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
