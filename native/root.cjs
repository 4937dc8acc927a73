// The package's root folder, for both ESM and CommonJS, imported as '#package'.
'use strict';

module.exports = require('node:path').join(__dirname, '..');
