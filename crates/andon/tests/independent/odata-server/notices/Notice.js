'use strict';

const { document } = require('../documents.js');

module.exports = document({
  set: 'Notice',
  key: 'Notice',
  first: 10000001,
  initial: [{ Notice: '10000000', Text: 'Guard rail loose', Priority: '3', Equipment: 'PRESS-7', Reference: '', Revision: 1 }],
});
