// Our own lint rules: the ones that are about this project's architecture.
import { basename, relative, sep } from 'node:path';
import { domainOf, violation } from './layers.mjs';

const repoPath = (context) => relative(context.cwd, context.filename).split(sep).join('/');
const rule = (create) => ({ meta: { type: 'problem', schema: [] }, create });

const noDefaultExport = rule((context) => ({
  ExportDefaultDeclaration: (node) => context.report({ node, message: 'Named exports only: a name that can be searched for.' }),
}));

const fileName = rule((context) => ({
  Program: (node) => {
    if (!/^[a-z0-9]+([.-][a-z0-9]+)*\.(ts|tsx)$/.test(basename(context.filename))) context.report({ node, message: 'File names are kebab-case.' });
  },
}));

const layers = rule((context) => {
  const check = (node) => {
    if (node.source?.type !== 'Literal') return;
    const isTest = /\.test\.tsx?$/.test(context.filename);
    const why = isTest ? undefined : violation(repoPath(context), String(node.source.value));
    if (why !== undefined) context.report({ node, message: `Import not allowed: ${why}.` });
  };
  return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check };
});

const noBareError = rule((context) => ({
  ThrowStatement: (node) => {
    const isBare = node.argument?.type === 'NewExpression' && ['Error', 'TypeError', 'RangeError'].includes(node.argument.callee.name);
    const domain = domainOf(repoPath(context));
    if (isBare && domain !== undefined) context.report({ node, message: 'Throw a CodedError: add it to the domain\'s errors.ts.' });
  },
}));

const SPOKEN = new Set(['aria-label', 'aria-description', 'aria-roledescription', 'alt', 'label', 'placeholder', 'title']);
/** Words, but no name of the program and no address. */
const isWord = (text) => /\p{L}{2}/u.test(text) && text.trim() !== 'OmniNode' && !text.includes('://');
const literalsIn = (node) => {
  switch (node?.type) {
    case 'Literal': return typeof node.value === 'string' && isWord(node.value) ? [node] : [];
    case 'TemplateLiteral': return [...node.quasis.filter(({ value }) => isWord(value.raw)), ...node.expressions.flatMap(literalsIn)];
    case 'ConditionalExpression': return [...literalsIn(node.consequent), ...literalsIn(node.alternate)];
    case 'LogicalExpression': return [...(node.operator === '&&' ? [] : literalsIn(node.left)), ...literalsIn(node.right)];
    case 'JSXExpressionContainer': return literalsIn(node.expression);
    default: return [];
  }
};

const noLiteralText = rule((context) => {
  const report = (node) => context.report({ node, message: 'A text that readers see: put it into src-renderer/language.' });
  return {
    JSXText: (node) => { if (isWord(node.value)) report(node); },
    JSXAttribute: (node) => { if (SPOKEN.has(node.name.name)) literalsIn(node.value).forEach(report); },
    JSXExpressionContainer: (node) => { if (node.parent.type !== 'JSXAttribute') literalsIn(node).forEach(report); },
  };
});

export const omninode = { rules: { 'no-literal-text': noLiteralText, 'no-default-export': noDefaultExport, 'file-name': fileName, layers, 'no-bare-error': noBareError } };
