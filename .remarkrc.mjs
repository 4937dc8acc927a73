// How the documents are checked: links to files and headings of this repository, and tables. scripts/check-docs.mjs.
import remarkGfm from 'remark-gfm';
import remarkValidateLinks from 'remark-validate-links';
import tables from './scripts/remark-tables.mjs';

export default { plugins: [remarkGfm, [remarkValidateLinks, { repository: false }], tables] };
