/** The absolute path of the package's folder. */
declare const root: string;
export = root;
