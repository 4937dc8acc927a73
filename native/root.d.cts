/** The absolute path of the package's root folder. */
declare const root: string;
export = root;
