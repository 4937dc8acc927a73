// The folder of this package, for ESM and CommonJS alike, as '#package'.
'use strict';

module.exports = require('node:path').join(__dirname, '..');
