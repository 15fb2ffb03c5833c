'use strict';

// What the server's entity sets have in common with a business system: numbers are given by the system, every
// change makes a new version, and a change on an old version is refused. All else is the mock server's own.

// How many of the next reads of one document somebody else shall overtake, by entity set.
const overtakes = new Map();

function overtake(set, times) {
  overtakes.set(set, times);
}

function tag(entity) {
  return `W/"${entity.Revision}"`;
}

function isOne(data) {
  return data !== null && typeof data === 'object' && !Array.isArray(data);
}

// Somebody else changes the document after it was read, while there are overtakes left.
function overtaken(set, stored) {
  const left = overtakes.get(set) ?? 0;
  if (left > 0) {
    overtakes.set(set, left - 1);
    stored.Revision += 1;
  }
}

// Shows the version of an entity as the version of the protocol has it.
function show(entity) {
  if (entity.__metadata) {
    entity.__metadata.etag = tag(entity);
  } else {
    entity['@odata.etag'] = tag(entity);
  }
}

function document({ set, key, first, initial }) {
  let next = first;
  return {
    getInitialDataSet() {
      return initial;
    },

    // Whatever number the client gives, the system gives its own.
    addEntry(entity, request) {
      entity[key] = String(next++);
      entity.Revision = 1;
      return this.base.addEntry(entity, request);
    },

    async onAfterRead(data, request) {
      (Array.isArray(data) ? data : [data]).filter(isOne).forEach(show);
      if (request.method === 'GET' && isOne(data)) {
        request.addResponseHeader('etag', tag(data));
        const [stored] = await this.base.fetchEntries({ [key]: data[key] }, request);
        overtaken(set, stored);
      }
      return data;
    },

    async onBeforeUpdateEntry(keys, updated, request) {
      const [stored] = await this.base.fetchEntries(keys, request);
      const wanted = request.headers['if-match'];
      if (wanted === undefined) {
        this.throwError('a version is required', 428, { error: { code: 'PLANT/428', message: text(request, 'a version is required') } });
      }
      if (wanted !== '*' && wanted !== tag(stored)) {
        this.throwError('another version', 412, { error: { code: 'PLANT/412', message: text(request, 'somebody else has changed it') } });
      }
      updated.Revision = stored.Revision + 1;
      delete updated.__metadata;
      delete updated['@odata.etag'];
    },
  };
}

// A message is an object in V2 and a text in V4.
function text(request, value) {
  return request.dataAccess.isV4() ? value : { lang: 'en', value };
}

module.exports = { document, overtake };
