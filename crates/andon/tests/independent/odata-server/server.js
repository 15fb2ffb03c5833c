'use strict';

// The OData server of SAP's Fiori tools with two small services of our own, on a free port of the loopback interface.
//
// usage: node server.js <folder with node_modules>
//
// Prints its address as one line of JSON, and ends when its standard input does.
//
// In front of it stands what a gateway adds and a mock server leaves out: a change needs the anti-forgery token. What
// the tests steer stands below /control: POST /control/withhold {"changes":n,"cut":false} makes the next changes and keeps
// their answers back, or cuts the connection; POST /control/overtake {"set":"Notice","times":n} changes a document right
// after it was read; GET /control/withheld says how many answers were kept back.

const http = require('node:http');
const path = require('node:path');
const { createRequire } = require('node:module');

const { overtake } = require('./documents.js');

const installed = createRequire(path.join(path.resolve(process.argv[2]), 'package.json'));
const { default: Mockserver } = installed('@sap-ux/fe-mockserver-core');

const TOKEN = '0504-71383';
const NOTICES = '/sap/opu/odata/sap/PLANT_NOTICES';
const INCIDENTS = '/sap/opu/odata4/sap/plant_incidents/srvd_a2x/sap/incident/0001';

const quiet = { info() {}, error() {}, warn() {}, debug() {} };
const control = { toWithhold: 0, cut: false, withheld: 0 };

function service(urlPath, folder) {
  const of = (file) => path.join(__dirname, folder, file);
  return { urlPath, metadataPath: of('metadata.xml'), mockdataPath: path.join(__dirname, folder), generateMockData: false, noETag: true };
}

function json(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}');
}

async function steer(request, response) {
  const asked = request.method === 'POST' ? await body(request) : {};
  if (request.url === '/control/withhold') {
    control.toWithhold = asked.changes;
    control.cut = asked.cut;
  } else if (request.url === '/control/overtake') {
    overtake(asked.set, asked.times);
  }
  json(response, 200, { withheld: control.withheld });
}

// The change is made, and not a byte of its answer is sent.
function withhold(response) {
  control.toWithhold -= 1;
  response.write = () => true;
  response.end = () => {
    control.withheld += 1;
    return control.cut ? response.destroy() : response;
  };
}

function isChange(request) {
  return !['GET', 'HEAD'].includes(request.method);
}

function gate(request, response, pass) {
  if (request.url.startsWith('/control/')) {
    return steer(request, response).catch((error) => json(response, 500, { error: String(error) }));
  }
  if (isChange(request) && request.headers['x-csrf-token'] !== TOKEN) {
    response.setHeader('x-csrf-token', 'Required');
    return json(response, 403, { error: { code: 'PLANT/403', message: 'CSRF token required' } });
  }
  if (isChange(request) && control.toWithhold > 0) {
    withhold(response);
  }
  return pass();
}

async function main() {
  const mockserver = new Mockserver({ services: [service(NOTICES, 'notices'), service(INCIDENTS, 'incidents')], logger: quiet });
  await mockserver.isReady;
  const router = mockserver.getRouter();
  const unknown = (response) => json(response, 404, { error: { code: 'PLANT/404', message: 'no such service' } });
  const server = http.createServer((request, response) => gate(request, response, () => router(request, response, () => unknown(response))));
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })));
  process.stdin.on('end', () => process.exit(0)).resume();
}

main();
