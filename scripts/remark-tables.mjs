// A remark plugin: a table that something has cut in two, and rows that do not have as many cells as their head. Markdown
// has no error for either: the first prints bars as text, the second drops cells.

/** Every node of a tree. */
function* walk(node) {
  yield node;
  for (const child of node.children ?? []) yield* walk(child);
}

export default function tables() {
  return (tree, file) => {
    for (const node of walk(tree)) {
      if (node.type === 'table') {
        const [head, ...rows] = node.children;
        for (const row of rows) {
          if (row.children.length === head.children.length) continue;
          file.message(
            `Expected ${head.children.length} cells, as in the table's head, got ${row.children.length}`,
            row,
          );
        }
      }
      if (node.type !== 'paragraph') continue;
      const { start, end } = node.position;
      const lines = String(file)
        .split('\n')
        .slice(start.line - 1, end.line);
      if (lines.some((line) => /^\s*\|.*\|\s*$/.test(line))) {
        file.message('Expected rows under the head of a table, got rows alone', node);
      }
    }
  };
}
