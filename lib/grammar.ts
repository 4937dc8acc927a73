export function jsonSchemaToGrammar(_s: unknown): string {
  throw new Error('later');
}
