/** This package's version. `test/unit/version.test.ts` holds it equal to package.json. */

/** As in package.json. */
export const VERSION = '0.1.0';

const MAJOR_SHIFT = 16;
const [major = 0, minor = 0] = VERSION.split('.').map(Number);

/** Major << 16 | minor, as the adapter reports it (docs/driver-contract.md, section 6). */
export const DRIVER_VERSION: number = (major << MAJOR_SHIFT) | minor;
