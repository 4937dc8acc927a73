/** The addon's export table. `lib/binding.ts` alone says what is in it. */
declare const addon: unknown;
export = addon;
