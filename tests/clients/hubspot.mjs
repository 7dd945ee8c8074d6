// Drives a HubSpot portal with @hubspot/api-client and prints what came of each scenario, as JSON by name.
import { Client } from "@hubspot/api-client";
import { run } from "./run.mjs";

const { url, accessToken, clientId, clientSecret, refreshToken, ownerEmail } = JSON.parse(process.argv[2]);
const client = new Client({ accessToken, basePath: url, numberOfApiCallRetries: 0 });
const contact = (name) => ({ email: `${name.toLowerCase()}@example.com`, lastname: name });
const create = async (name) => (await client.crm.contacts.basicApi.create({ properties: contact(name) })).id;
const json = async (response) => ({ status: response.status, body: await response.json() });

await run({
  async records() {
    const { basicApi } = client.crm.contacts;
    const made = await basicApi.create({ properties: contact("Lovelace"), associations: [] });
    await basicApi.update(made.id, { properties: { hs_lead_status: "UNQUALIFIED" } });
    const read = await basicApi.getById(made.id, ["email", "hs_lead_status"], ["hs_lead_status"]);
    const byEmail = await basicApi.getById("lovelace@example.com", ["email"], undefined, undefined, false, "email");
    await basicApi.archive(made.id);
    return { made, read, byEmail: byEmail.id };
  },
  async paging() {
    for (const name of ["Aaron", "Abel", "Ada"]) await create(name);
    const first = await client.crm.contacts.basicApi.getPage(2);
    return { first: first.results.length, after: first.paging?.next?.after, all: (await client.crm.contacts.getAll()).length };
  },
  async batches() {
    const inputs = ["Bea", "Ben"].map((name) => ({ properties: contact(name), associations: [] }));
    const made = await client.crm.contacts.batchApi.create({ inputs });
    const ids = made.results.map(({ id }) => ({ id }));
    const read = await client.crm.contacts.batchApi.read({
      inputs: [...ids, { id: "999" }],
      properties: ["email"],
      propertiesWithHistory: [],
    });
    await client.crm.contacts.batchApi.archive({ inputs: ids });
    return { made, read };
  },
  async search() {
    await create("Searchable");
    return client.crm.contacts.searchApi.doSearch({
      filterGroups: [{ filters: [{ propertyName: "lastname", operator: "EQ", value: "Searchable" }] }],
      sorts: ["-createdate"],
      properties: ["lastname"],
      limit: 10,
      after: "0",
    });
  },
  async deals() {
    const person = await create("Dealer");
    const deal = await client.crm.deals.basicApi.create({
      properties: { dealname: "Renewal", pipeline: "default", dealstage: "closedlost", closed_lost_reason: "Budget" },
      associations: [
        { to: { id: person }, types: [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 3 }] },
      ],
    });
    const linked = await client.crm.associations.v4.basicApi.getPage("deals", deal.id, "contacts");
    return { deal, person, linked };
  },
  async leads() {
    const person = await create("Leader");
    return client.crm.objects.basicApi.create("leads", {
      properties: { hs_lead_name: "Leader" },
      associations: [
        { to: { id: person }, types: [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 578 }] },
      ],
    });
  },
  async associations() {
    const person = await create("Joiner");
    const company = await client.crm.companies.basicApi.create({ properties: { name: "Acme" }, associations: [] });
    const put = await client.crm.associations.v4.basicApi.createDefault("contacts", person, "companies", company.id);
    const labels = await client.crm.associations.v4.schema.definitionsApi.getAll("contacts", "companies");
    const read = await client.crm.associations.v4.batchApi.getPage("contacts", "companies", { inputs: [{ id: person }] });
    return { put, labels, read, company: company.id };
  },
  async settings() {
    const properties = await client.crm.properties.coreApi.getAll("deals");
    const pipelines = await client.crm.pipelines.pipelinesApi.getAll("deals");
    const owners = await client.crm.owners.ownersApi.getPage(ownerEmail);
    return { properties: properties.results.map(({ name }) => name), pipelines, owners };
  },
  async properties() {
    const made = await client.crm.properties.coreApi.create("contacts", {
      name: "shoe_size",
      label: "Shoe size",
      type: "number",
      fieldType: "number",
      groupName: "contactinformation",
    });
    await client.crm.properties.coreApi.archive("contacts", "shoe_size");
    return made;
  },
  async customObjects() {
    const schema = await client.crm.schemas.coreApi.create({
      name: "trial",
      labels: { singular: "Trial", plural: "Trials" },
      primaryDisplayProperty: "trial_name",
      requiredProperties: ["trial_name"],
      searchableProperties: [],
      secondaryDisplayProperties: [],
      properties: [{ name: "trial_name", label: "Name", type: "string", fieldType: "text" }],
      associatedObjects: ["CONTACT"],
    });
    const row = { properties: { trial_name: "First" }, associations: [] };
    const made = await client.crm.objects.basicApi.create(schema.objectTypeId, row);
    return { schema, made };
  },
  async campaigns() {
    const body = { properties: { hs_name: "Autumn webinar" } };
    const made = await json(await client.apiRequest({ method: "POST", path: "/marketing/v3/campaigns", body }));
    const read = await json(
      await client.apiRequest({ path: `/marketing/v3/campaigns/${made.body.id}`, qs: { properties: "hs_name" } }),
    );
    return { made, read };
  },
  async oauth() {
    const fresh = new Client({ basePath: url });
    const tokens = await fresh.oauth.tokensApi.create(
      "refresh_token", undefined, undefined, clientId, clientSecret, refreshToken,
    );
    const about = await fresh.oauth.accessTokensApi.get(tokens.accessToken);
    return { tokens, about };
  },
  async merging() {
    const [one, other] = [await create("Merger"), await create("Merged")];
    const left = await client.crm.contacts.basicApi.merge({ primaryObjectId: one, objectIdToMerge: other });
    return { left, followed: await client.crm.contacts.basicApi.getById(other) };
  },
  async splits() {
    const deal = await client.crm.deals.basicApi.create({ properties: { dealname: "Split" }, associations: [] });
    const splits = [{ ownerId: 1, percentage: 25 }, { ownerId: 2, percentage: 75 }];
    const put = await client.crm.objects.dealSplits.batchApi.upsert({ inputs: [{ id: Number(deal.id), splits }] });
    const read = await client.crm.objects.dealSplits.batchApi.read({ inputs: [{ id: deal.id }] });
    return { put, read };
  },
  async marketingEvents() {
    const event = { eventName: "Webinar", eventOrganizer: "Us", externalAccountId: "a", externalEventId: "e" };
    await client.marketing.events.basicApi.create(event);
    const { list } = await client.crm.lists.listsApi.create({
      name: "Guests",
      objectTypeId: "0-1",
      processingType: "MANUAL",
    });
    await client.marketing.events.listAssociationsApi.associateByExternalAccountAndEventIds("a", "e", list.listId);
    return client.marketing.events.listAssociationsApi.getAllByExternalAccountAndEventIds("a", "e");
  },
  async unknownProperty() {
    return client.crm.contacts.basicApi.create({ properties: { shoe: "42" }, associations: [] });
  },
  async unknownId() {
    return client.crm.deals.basicApi.getById("999");
  },
  async tooMany() {
    const inputs = Array.from({ length: 101 }, (_, n) => ({ id: `${n + 1}` }));
    return client.crm.contacts.batchApi.read({ inputs, properties: [], propertiesWithHistory: [] });
  },
  async badToken() {
    const stranger = new Client({ accessToken: "no", basePath: url });
    return stranger.crm.contacts.basicApi.getPage();
  },
});
