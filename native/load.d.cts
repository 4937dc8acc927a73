/** The addon's export table. `lib/native/binding.ts` alone says what is in it. */
declare const addon: unknown;
export = addon;
