/** The addon's export table. Its type is declared in `lib/native/binding.ts`. */
declare const addon: unknown;
export = addon;
