/// <reference path="../pb_data/types.d.ts" />
// Sends every record change to Pocketwire. ../README.md says how to install this file and which settings there are.
//
// PocketBase takes the text of each handler and runs it in another JavaScript context, where the constants and functions of
// this file do not exist (plugins/jsvm/binds.go). Each handler therefore loads its code with `require`.

onBootstrap((e) => {
  e.next();
  require(`${__hooks}/pocketwire/sender.js`).start(e.app);
});

onTerminate((e) => {
  require(`${__hooks}/pocketwire/sender.js`).stop(e.app);
  e.next();
});

// These three run around the SQL statement itself, when validation and uploads are over. The transaction that they open
// is therefore short.
onModelCreateExecute((e) => {
  require(`${__hooks}/pocketwire/capture.js`).capture(e, "create");
});

onModelUpdateExecute((e) => {
  require(`${__hooks}/pocketwire/capture.js`).capture(e, "update");
});

onModelDeleteExecute((e) => {
  require(`${__hooks}/pocketwire/capture.js`).capture(e, "delete");
});

// PocketBase calls these after the transaction is committed.
onRecordAfterCreateSuccess((e) => {
  e.next();
  require(`${__hooks}/pocketwire/sender.js`).sendAfterCommit(e.app);
});

onRecordAfterUpdateSuccess((e) => {
  e.next();
  require(`${__hooks}/pocketwire/sender.js`).sendAfterCommit(e.app);
});

onRecordAfterDeleteSuccess((e) => {
  e.next();
  require(`${__hooks}/pocketwire/sender.js`).sendAfterCommit(e.app);
});

cronAdd("pocketwire", "* * * * *", () => {
  require(`${__hooks}/pocketwire/sender.js`).retryForOneMinute($app);
});
