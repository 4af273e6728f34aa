/*
 * What Microsoft's analyser accepts and our emitters must not write. Works on the analyser's bound syntax tree.
 * In: an analysed query and its text. Out: [{start, code, message}].
 *
 * CK01 regular expression     CK02 IP network            CK03 join without kind   CK04 let shadowed by a column
 * CK05 comparison of types    CK06 branches of iff/case  CK07 number overflow     CK08 literal form
 * CK09 query too long for a scheduled rule             CK10 no tabular result
 */
'use strict';
const net = require('net');

const MAX_QUERY = 10000;
const MAX_REPEAT = 1000;
const NUMERIC = new Set(['int', 'long', 'real', 'decimal']);
const COMPARISONS = new Set([
  'EqualExpression', 'NotEqualExpression', 'EqualTildeExpression', 'BangTildeExpression',
  'LessThanExpression', 'LessThanOrEqualExpression', 'GreaterThanExpression', 'GreaterThanOrEqualExpression',
  'InExpression', 'NotInExpression', 'InCsExpression', 'NotInCsExpression',
]);
const REGEX_ARGUMENT = {
  extract: 0, extract_all: 0, replace_regex: 1, countof: 1, split_regex: 1, indexof_regex: 1,
};

/** Rewrites the RE2 notations that JavaScript lacks; escapes are skipped so that `\(?i)` stays as it is. */
function toJavaScript(pattern) {
  return pattern.replace(/\\[\s\S]|\(\?[imsU-]+\)|\(\?[imsU-]*:|\(\?P</g, (token) => {
    if (token[0] === '\\') return token;
    if (token === '(?P<') return '(?<';
    return token.endsWith(':') ? '(?:' : '';
  });
}

/** Says why a pattern is not RE2, or null. Compilation in JavaScript approximates RE2's grammar. */
function regexFault(pattern) {
  const bare = pattern.replace(/\\\\/g, '');
  if (/\(\?(<?[=!])/.test(bare.replace(/\\\(/g, ''))) return 'look-around is not RE2';
  if (/\\[1-9]/.test(bare)) return 'back-references are not RE2';
  const repeats = [...bare.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].flatMap((m) => [m[1], m[2]]);
  if (repeats.some((n) => Number(n || 0) > MAX_REPEAT)) return `RE2 repeats at most ${MAX_REPEAT} times`;
  try {
    new RegExp(toJavaScript(pattern));
    return null;
  } catch (error) {
    return error.message;
  }
}

function isNetwork(text) {
  const [address, prefix, ...rest] = text.split('/');
  const version = net.isIP(address);
  if (!version || rest.length) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

function makeLinter(language, listed) {
  const { SyntaxElement, SyntaxKind } = language.Syntax;
  const kindNames = new Map();
  const typeOf = (node) => (node.ResultType ? node.ResultType.Name : '');
  const elements = (list) => listed(list).map((e) => (e.Element$1 !== undefined ? e.Element$1 : e.Element));

  /** The name of a node's kind, remembered, because the enumeration answers slowly. */
  function kindOf(node) {
    if (!kindNames.has(node.Kind)) kindNames.set(node.Kind, System.Enum.toString(SyntaxKind, node.Kind));
    return kindNames.get(node.Kind);
  }

  function walk(root) {
    const nodes = [];
    SyntaxElement.WalkNodes(root, (node) => { nodes.push(node); });
    return nodes;
  }

  /** Follows a reference to a `let` of the same query to the expression it names. */
  function resolved(node, lets) {
    const isVariable = kindOf(node) === 'NameReference' && !isColumn(node);
    return (isVariable && lets.get(node.SimpleName)) || node;
  }

  function isColumn(node) {
    return node.ReferencedSymbol instanceof language.Symbols.ColumnSymbol;
  }

  function stringsIn(node, lets) {
    return walk(resolved(node, lets)).filter((n) => kindOf(n) === 'StringLiteralExpression');
  }

  function regexes(node, lets) {
    if (kindOf(node) === 'MatchesRegexExpression') return stringsIn(node.Right, lets);
    if (kindOf(node) !== 'FunctionCallExpression') return [];
    const index = REGEX_ARGUMENT[node.Name.SimpleName];
    const argument = index === undefined ? null : elements(node.ArgumentList.Expressions)[index];
    return argument ? stringsIn(argument, lets) : [];
  }

  function lintRegex(node, lets) {
    return regexes(node, lets)
      .map((literal) => [literal, regexFault(literal.LiteralValue)])
      .filter(([, fault]) => fault)
      .map(([literal, fault]) => problem(literal, 'CK01', `regular expression: ${fault}`));
  }

  function lintNetwork(node, lets) {
    if (kindOf(node) !== 'FunctionCallExpression' || !/^ipv[46]_/.test(node.Name.SimpleName)) return [];
    return elements(node.ArgumentList.Expressions)
      .flatMap((argument) => stringsIn(argument, lets))
      .filter((literal) => !isNetwork(literal.LiteralValue))
      .map((literal) => problem(literal, 'CK02', `"${literal.LiteralValue}" is not an address or a network`));
  }

  function lintJoin(node) {
    if (kindOf(node) !== 'JoinOperator') return [];
    const kinds = listed(node.Parameters).filter((p) => p.Name && p.Name.SimpleName === 'kind');
    return kinds.length ? [] : [problem(node, 'CK03', 'join without kind= drops left duplicates (innerunique)')];
  }

  function lintShadow(node, lets) {
    const shadowed = kindOf(node) === 'NameReference' && isColumn(node) && lets.has(node.SimpleName) &&
      kindOf(node.Parent) !== 'PathExpression';
    return shadowed ? [problem(node, 'CK04', `'${node.SimpleName}' is a let variable, but a column of that name wins here`)] : [];
  }

  function comparable(left, right) {
    return left === right || (NUMERIC.has(left) && NUMERIC.has(right)) || !left || !right;
  }

  /** The scalars that a comparison sets against its left side; arrays, tables and unknowns are left out. */
  function rightSides(node) {
    const list = node.Right.Expressions ? elements(node.Right.Expressions) : [node.Right];
    const isIn = kindOf(node).includes('In');
    return list.filter((n) => !(isIn && typeOf(n) === 'dynamic') && !(n.ResultType && n.ResultType.Columns));
  }

  function lintComparison(node) {
    if (!COMPARISONS.has(kindOf(node))) return [];
    const left = typeOf(node.Left);
    if (left === 'dynamic') return [problem(node, 'CK05', 'a dynamic value is compared; cast it first')];
    return rightSides(node)
      .filter((right) => !comparable(left, typeOf(right)))
      .map((right) => problem(right, 'CK05', `${left} is compared with ${typeOf(right)}`));
  }

  function lintBranches(node) {
    if (kindOf(node) !== 'FunctionCallExpression' || !['iff', 'iif', 'case'].includes(node.Name.SimpleName)) return [];
    const args = elements(node.ArgumentList.Expressions);
    const branches = args.filter((_, i) => i % 2 === 1 || i === args.length - 1).map(typeOf);
    const same = branches.every((type) => comparable(branches[0], type));
    return same ? [] : [problem(node, 'CK06', `branches have the types ${branches.join(', ')}`)];
  }

  function lintNumber(node, text) {
    if (kindOf(node) !== 'LongLiteralExpression') return [];
    const digits = text.slice(node.TextStart, node.End);
    const tooLarge = /^\d+$/.test(digits) && BigInt(digits) > 0x7fffffffffffffffn;
    return tooLarge ? [problem(node, 'CK07', `${digits} does not fit a long and is read as 0`)] : [];
  }

  function lintLiteral(node, text) {
    if (kindOf(node) !== 'StringLiteralExpression') return [];
    const source = text.slice(node.TextStart, node.End);
    if (/^(h|H)/.test(source)) return [problem(node, 'CK08', 'an obfuscated literal')];
    if (/^(```|~~~)/.test(source)) return [problem(node, 'CK08', 'a multi-line literal')];
    const wide = !source.startsWith('@') && /(^|[^\\])(\\\\)*\\U/.test(source);
    return wide ? [problem(node, 'CK08', '\\U escapes decode wrongly')] : [];
  }

  function problem(node, code, message) {
    return { start: node.TextStart, code, message };
  }

  return function lint(code, text) {
    const nodes = walk(code.Syntax);
    const lets = new Map(nodes.filter((n) => kindOf(n) === 'LetStatement').map((n) => [n.Name.SimpleName, n.Expression]));
    const found = nodes.flatMap((node) => [
      ...lintRegex(node, lets), ...lintNetwork(node, lets), ...lintJoin(node), ...lintShadow(node, lets),
      ...lintComparison(node), ...lintBranches(node), ...lintNumber(node, text), ...lintLiteral(node, text),
    ]);
    if (text.length > MAX_QUERY) {
      found.push({ start: 0, code: 'CK09', message: `${text.length} characters; a scheduled rule takes ${MAX_QUERY}` });
    }
    if (!code.ResultType || !code.ResultType.Columns) {
      found.push({ start: 0, code: 'CK10', message: 'the text has no tabular result' });
    }
    return found;
  };
}

module.exports = { makeLinter };
