// Holds the code to its rooms: `npm run check:rooms`; CI runs it. Which room of lib may use which stands in
// .dependency-cruiser.mjs, of native/engine in check-includes.mjs; here is how large a file and a room may be.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkIncludes } from './check-includes.mjs';
import { capture, main, PlainError, root, run } from './run.mjs';

const mostLines = 350;
const mostFiles = 25;
const code = /\.(ts|mts|mjs|cjs|cts|cc|h)$/;

/** Every file that git knows or would add. */
function listFiles() {
  const listed = capture('git', [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '--deduplicate',
  ]);
  if (listed === null) throw new PlainError('git does not list the files of this checkout');
  return listed.split('\n').filter((file) => code.test(file));
}

function checkSizes() {
  const complaints = [];
  const rooms = new Map();
  for (const file of listFiles()) {
    const room = dirname(file);
    let text;
    try {
      text = readFileSync(join(root, file), 'utf8');
    } catch (error) {
      // Deleted, and not yet committed.
      if (error.code === 'ENOENT') continue;
      throw error;
    }
    rooms.set(room, (rooms.get(room) ?? 0) + 1);
    const lines = text.split('\n').length - 1;
    if (lines > mostLines) complaints.push(`${file} has ${lines} lines, ${mostLines} at most`);
  }
  for (const [room, size] of rooms) {
    if (size > mostFiles) complaints.push(`${room} has ${size} files, ${mostFiles} at most`);
  }
  if (complaints.length > 0) throw new PlainError(`too large:\n  ${complaints.join('\n  ')}`);
}

export function checkRooms() {
  const program = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  run(process.execPath, [program, 'lib', '--config', '.dependency-cruiser.mjs']);
  checkIncludes();
  checkSizes();
}

await main(import.meta.url, checkRooms);
