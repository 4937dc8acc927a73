// The public API as api-extractor sees it in the declarations: one report per entry of package.json's `exports`, in
// api/. `npm run check:api` fails where the API is no longer what the reports say; `npm run check:api -- --write` stores
// it anew, so that a change of the API is seen in review.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { buildTs } from './build-ts.mjs';
import { main, PlainError, root } from './run.mjs';

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const reports = join(root, 'api');
const scratch = join(root, '.api');

/** Report name -> declaration file, of every entry with types. */
const entries = Object.entries(exports)
  .filter(([, target]) => target.import !== undefined)
  .map(([name, target]) => [
    name === '.' ? 'index' : name.slice(2),
    join(root, target.import.types),
  ]);

function configure(name, entry) {
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(root, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: entry,
      compiler: {
        overrideTsconfig: {
          extends: './tsconfig.base.json',
          compilerOptions: { skipLibCheck: true },
          files: [entry],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: reports,
        reportTempFolder: scratch,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        // What it has to say of docstrings is TSDoc's taste; what matters here are names and types.
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
}

/** Compares the API with its reports, or stores it. @throws PlainError where they differ */
export function checkApi({ write = false } = {}) {
  mkdirSync(reports, { recursive: true });
  const changed = [];
  for (const [name, entry] of entries) {
    const { apiReportChanged, errorCount } = Extractor.invoke(configure(name, entry), {
      localBuild: write,
      // Its own messages say where it looks and that a report differs; ours says what to do then.
      messageCallback: (message) => {
        message.handled = message.logLevel !== 'error';
      },
    });
    if (errorCount > 0) throw new PlainError(`api-extractor cannot read the entry ${name}`);
    if (apiReportChanged) changed.push(`api/${name}.api.md`);
  }
  const known = new Set(entries.map(([name]) => `${name}.api.md`));
  for (const file of readdirSync(reports).filter((file) => !known.has(file))) {
    if (write) rmSync(join(reports, file));
    else changed.push(`api/${file}`);
  }
  if (write || changed.length === 0) return;
  throw new PlainError(
    `the public API is not what is stored (${changed.join(', ')}); compare with .api/, and where the change is meant: npm run check:api -- --write`,
  );
}

await main(import.meta.url, () => {
  buildTs();
  checkApi({ write: process.argv.includes('--write') });
});
