/** The absolute path of the package's root folder; in a bundle, of the bundle's folder. */
declare const root: string;
export = root;
