'use strict';

const { document } = require('../documents.js');

module.exports = document({
  set: 'Incident',
  key: 'Incident',
  first: 70000001,
  initial: [{ Incident: '70000000', Title: 'Oil on the floor', Category: '002', Severity: 1, Reference: '', Revision: 1 }],
});
