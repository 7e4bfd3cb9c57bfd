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

export const omninode = { rules: { 'no-default-export': noDefaultExport, 'file-name': fileName, layers, 'no-bare-error': noBareError } };
