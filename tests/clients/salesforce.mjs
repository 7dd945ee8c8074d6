// Drives a Salesforce with jsforce and prints what came of each scenario, as JSON by name.
import jsforce from "jsforce";
import { run } from "./run.mjs";

const { url, accessToken, clientId, clientSecret, username, password } = JSON.parse(process.argv[2]);
const version = "62.0";
const connect = () => new jsforce.Connection({ instanceUrl: url, accessToken, version });
const person = (name) => ({ LastName: name, Company: "Acme", Email: `${name.toLowerCase()}@example.com` });

await run({
  async clientCredentials() {
    const conn = new jsforce.Connection({ oauth2: { loginUrl: url, clientId, clientSecret }, version });
    const user = await conn.authorize({ grant_type: "client_credentials" });
    return { user, identity: await conn.identity() };
  },
  async soapLogin() {
    const conn = new jsforce.Connection({ loginUrl: url, version });
    const user = await conn.login(username, password);
    const { totalSize } = await conn.query("SELECT Id FROM User");
    await conn.logout();
    return { user, totalSize };
  },
  async records() {
    const leads = connect().sobject("Lead");
    const { id } = await leads.create(person("Lovelace"));
    await leads.update({ Id: id, Status: "Working - Contacted" });
    const read = await leads.retrieve(id);
    const removed = await leads.destroy(id);
    return { id, read, removed };
  },
  async manyRecords() {
    const leads = connect().sobject("Lead");
    const made = await leads.create([person("Hopper"), { Company: "Nobody Ltd" }]);
    const ids = made.filter((one) => one.success).map((one) => one.id);
    const read = await leads.retrieve(ids);
    const removed = await leads.destroy(ids);
    return { made, read, removed };
  },
  async upsert() {
    const reasons = connect().sobject("Closed_Loop_Campaign_Reason__c");
    const campaign = await connect().sobject("Campaign").create({ Name: "Autumn webinar" });
    const row = { Closed_Loop_Key__c: "k-1", Campaign__c: campaign.id, Outcome__c: "lost" };
    const first = await reasons.upsert(row, "Closed_Loop_Key__c");
    const second = await reasons.upsert({ ...row, Outcome__c: "won" }, "Closed_Loop_Key__c");
    return { first, second };
  },
  async pagedQuery() {
    const conn = connect();
    await conn.sobject("Contact").create(
      Array.from({ length: 450 }, (_, n) => ({ LastName: `Reader ${n}` })),
      { allowRecursive: true },
    );
    const options = { autoFetch: true, maxFetch: 1000, headers: { "Sforce-Query-Options": "batchSize=200" } };
    const found = await conn.query("SELECT Id, Name FROM Contact WHERE Name LIKE 'Reader%'", options);
    return { totalSize: found.totalSize, fetched: found.records.length };
  },
  async finder() {
    return connect()
      .sobject("Contact")
      .find({ LastName: { $like: "Reader 1%" } }, "Id, LastName")
      .sort({ LastName: 1 })
      .limit(3)
      .execute();
  },
  async children() {
    const conn = connect();
    const account = await conn.sobject("Account").create({ Name: "Parent" });
    await conn.sobject("Contact").create({ LastName: "Child", AccountId: account.id });
    return conn.query(`SELECT Name, (SELECT LastName FROM Contacts) FROM Account WHERE Id = '${account.id}'`);
  },
  async search() {
    await connect().sobject("Lead").create(person("Findable"));
    return connect().search("FIND {Findable} IN ALL FIELDS RETURNING Lead(Id, LastName)");
  },
  async describes() {
    const conn = connect();
    const all = await conn.describeGlobal();
    const lead = await conn.sobject("Lead").describe();
    return { names: all.sobjects.map((one) => one.name), fields: lead.fields.map((one) => one.name) };
  },
  async changes() {
    const leads = connect().sobject("Lead");
    const { id } = await leads.create(person("Fleeting"));
    await leads.destroy(id);
    const start = new Date(Date.now() - 3600e3);
    const end = new Date(Date.now() + 3600e3);
    return { id, updated: await leads.updated(start, end), deleted: await leads.deleted(start, end) };
  },
  async limits() {
    const conn = connect();
    return { limits: await conn.limits(), usage: conn.limitInfo };
  },
  async composite() {
    return connect().requestPost("/composite", {
      allOrNone: true,
      compositeRequest: [
        {
          method: "POST",
          url: `/services/data/v${version}/sobjects/Account`,
          referenceId: "account",
          body: { Name: "Composed" },
        },
        {
          method: "POST",
          url: `/services/data/v${version}/sobjects/Contact`,
          referenceId: "contact",
          body: { LastName: "Composed", AccountId: "@{account.id}" },
        },
      ],
    });
  },
  async bulkOne() {
    const conn = connect();
    conn.bulk.pollInterval = 20;
    const rows = [person("Bulky"), { LastName: "Nameless" }];
    const loaded = await conn.bulk.load("Lead", "insert", rows);
    const stream = await conn.bulk.query("SELECT Id, LastName FROM Lead WHERE LastName = 'Bulky'");
    return { loaded, read: await stream.toArray() };
  },
  async bulkTwo() {
    const conn = connect();
    conn.bulk2.pollInterval = 20;
    const input = [person("Bulkier"), { LastName: "Nameless", Company: "" }];
    const loaded = await conn.bulk2.loadAndWaitForResults({ object: "Lead", operation: "insert", input });
    const stream = await conn.bulk2.query("SELECT Id, LastName FROM Lead WHERE LastName = 'Bulkier'");
    return { loaded, read: await stream.toArray() };
  },
  async metadata() {
    const conn = connect();
    const field = { fullName: "Lead.Jsforce__c", label: "Jsforce", type: "Text", length: 40 };
    const created = await conn.metadata.create("CustomField", [field]);
    const read = await conn.metadata.read("CustomField", "Lead.Jsforce__c");
    const listed = await conn.metadata.list([{ type: "CustomField" }], version);
    const removed = await conn.metadata.delete("CustomField", "Lead.Jsforce__c");
    const described = await conn.metadata.describe(version);
    return { created, read, listed: listed.map((one) => one.fullName), removed, described };
  },
  async convertLead() {
    const conn = connect();
    const { id } = await conn.sobject("Lead").create(person("Convertible"));
    return conn.soap.convertLead({ leadId: id, convertedStatus: "Closed - Converted", doNotCreateOpportunity: true });
  },
  async attachment() {
    const conn = connect();
    const { id: parent } = await conn.sobject("Account").create({ Name: "Holder" });
    const body = Buffer.from("Grüße").toString("base64");
    const { id } = await conn.sobject("Attachment").create({ ParentId: parent, Name: "a.txt", Body: body });
    const file = conn.sobject("Attachment").record(id).blob("Body");
    const chunks = [];
    for await (const chunk of file) chunks.push(chunk);
    const read = await conn.sobject("Attachment").retrieve(id);
    return { id, text: Buffer.concat(chunks).toString(), read };
  },
  async pages() {
    const conn = connect();
    return { theme: await conn.theme(), tabs: await conn.tabs(), actions: await conn.quickActions() };
  },
  async tooling() {
    return connect().tooling.query("SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName = 'Lead'");
  },
  async unknownField() {
    return connect().sobject("Account").create({ Name: "Acme", AccountNumer: "1" });
  },
  async malformedQuery() {
    return connect().query("SELECT Id FROM");
  },
  async unknownId() {
    return connect().sobject("Lead").retrieve("00Q000000000001AAA");
  },
});
