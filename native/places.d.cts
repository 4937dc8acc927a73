/** The folder of an addon built by `npx autocog-lm build`; undefined for a user without a home. */
export declare function builtFolder(): string | undefined;
/** The folder of downloads and built addons. */
export declare function cacheFolder(): string | undefined;
/** 'glibc' or 'musl' on Linux, otherwise ''. */
export declare function libc(): string;
/** Platform, architecture and C library, e.g. `linux-x64-glibc`. */
export declare function target(): string;
