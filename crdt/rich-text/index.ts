/** Rich texts of a form: Markdown lines in JSON, a Y.XmlFragment where an editor writes. */
export { parseRichText, writeRichText, type Block, type Run } from './blocks.js';
export { ENRICH_ORIGIN, enrichText } from './enrich.js';
export { blocksOf, elementOf, markdownOf, nodesOf, writeMarkdown, type RichNode } from './fragment.js';
