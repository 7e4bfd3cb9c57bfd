import 'katex/dist/katex.min.css';
import { memo, useRef, type ComponentProps, type ReactNode } from 'react';
import Markdown, { type Components } from 'react-markdown';
import rehypeHighlight from 'rehype-highlight';
import rehypeKatex from 'rehype-katex';
import remarkGfm from 'remark-gfm';
import remarkMath from 'remark-math';
import { useTexts } from '../language/index.ts';
import { CopyButton } from './copy-button.tsx';

const REMARK = [remarkGfm, [remarkMath, { singleDollarTextMath: false }]] satisfies ComponentProps<typeof Markdown>['remarkPlugins'];
const REHYPE = [[rehypeKatex, { trust: false, strict: 'ignore', maxExpand: 100, maxSize: 20 }], [rehypeHighlight, { detect: false, ignoreMissing: true }]] satisfies ComponentProps<typeof Markdown>['rehypePlugins'];

/** Only addresses of the web; everything else becomes text. */
const webAddress = (url: string): string => (/^https?:\/\//i.test(url) ? url : '');

const COMPONENTS: Components = {
  a: ({ href, children }) => (href === undefined || href === '' ? <>{children}</> : <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>{children}</a>),
  // A picture would be fetched without a click, and tell its host who reads.
  img: ({ alt, src }) => <>{alt === undefined || alt === '' ? String(src ?? '') : alt}</>,
  pre: ({ children }) => <CodeBlock>{children}</CodeBlock>,
  table: ({ children }) => <TableBlock>{children}</TableBlock>,
};

/** What a model wrote, as markdown. Markup in it is shown as text, never rendered. */
export const MarkdownText = memo(({ text }: { readonly text: string }) => (
  <div className="markdown">
    <Markdown remarkPlugins={REMARK} rehypePlugins={REHYPE} urlTransform={webAddress} components={COMPONENTS}>{withDollars(text)}</Markdown>
  </div>
));
MarkdownText.displayName = 'MarkdownText';

const TableBlock = ({ children }: { readonly children: ReactNode }) => <div className="table-scroll" tabIndex={0} role="region" aria-label={useTexts().message.table}><table>{children}</table></div>;

function CodeBlock({ children }: { readonly children: ReactNode }) {
  const { copyCode } = useTexts().message;
  const block = useRef<HTMLPreElement>(null);
  return (
    <div className="code-block">
      <CopyButton text={() => block.current?.textContent ?? ''} label={copyCode} />
      <pre ref={block} tabIndex={0}>{children}</pre>
    </div>
  );
}

/** Models write \( \) and \[ \] as often as dollars; code is left as it is. */
const withDollars = (text: string): string => text.replace(/(```[\s\S]*?(?:```|$)|`[^`\n]*`)|\\\[([\s\S]+?)\\\]|\\\((.+?)\\\)/g, (whole, ...groups: Array<string | undefined>) => {
  const [code, block, inline] = groups;
  if (code !== undefined) return whole;
  return block === undefined ? `$$${inline ?? ''}$$` : `\n$$\n${block.trim()}\n$$\n`;
});
