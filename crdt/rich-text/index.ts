/** Rich texts of a form: Markdown lines in JSON, a Y.XmlFragment where an editor writes. */
export { parseRichText, writeRichText, type Block, type Run } from './blocks.js';
export { enrichText } from './enrich.js';
export { blocksOf, markdownOf, nodesOf, writeMarkdown, type RichNode } from './fragment.js';
