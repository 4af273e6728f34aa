/*
 * Proves that the KQL checker has teeth: every good text passes, every bad text gives the code beside it.
 * In: the check function. Out: one line on stderr; throws on the first wrong verdict.
 */
'use strict';
const fs = require('fs');
const path = require('path');

const GOOD = [
  'AWSCloudTrail | where EventName == "a" and ReadOnly == false and isempty(ErrorCode)',
  'AWSCloudTrail | where EventName matches regex "(?i)^run(in)?[-.]s\\\\.\\\\(?i\\\\)$"',
  'AWSCloudTrail | where EventName matches regex @"^\\Aa{2,3}(?P<x>b)\\z"',
  'AWSVPCFlow | where ipv4_is_in_any_range(DstAddr, "10.0.0.0/8", "192.0.2.1") or ipv6_is_match(DstAddr, "fc00::/7")',
  'let nets = dynamic(["10.0.0.0/8"]); AWSVPCFlow | where ipv4_is_in_any_range(DstAddr, nets)',
  'AWSVPCFlow | where DstPort in (22, 3389) and SrcPort >= 32768 and Bytes > 1.5',
  'AWSVPCFlow | where DstAddr !in (dynamic(["a", "b"])) | extend x = iff(DstPort == 22, "ssh", "other")',
  'AWSCloudTrail | where UserIdentityArn !in ((_GetWatchlist("approved") | project SearchKey))',
  'AWSCloudTrail | extend t = max_of(ingestion_time(), TimeGenerated) | where t between (ago(1h) .. (now() + 5m))',
  'AWSCloudTrail | where tostring(parse_json(ResponseElements).ConsoleLogin) == "Success"',
  'AWSCloudTrail | where UserAgent == "quote \\" slash \\\\ line \\n unit \\u0085 | // not a comment"',
];

const BAD = [
  ['KS142', 'AWSCloudTrail | where EvntName == "x"'],
  ['KS141', 'AWSCloudTrail | where EventName = "x"'],
  ['KS106', 'AWSCloudTrail | where EventName > 5'],
  ['KS107', 'AWSCloudTrail | where TimeGenerated > ago("1h")'],
  ['KS211', 'AWSCloudTrail | extend x = tostrng(EventName)'],
  ['KS005', 'AWSCloudTrail | where (EventName == "x"'],
  ['KS005', 'AWSCloudTrail | join kind=iner (AWSVPCFlow) on TimeGenerated'],
  ['KS176', 'AWSCloudTrail | where EventName == "x" | | take 5'],
  ['KS204', 'CloudTrail | take 1'],
  ['KS205', 'union isfuzzy=true AWSCloudTrail, Nope'],
  ['KS242', 'AWSCloudTrail | join kind=inner (AWSVPCFlow) on $left.UserIdentityArn == $right.Packets'],
  ['KS241', 'AWSCloudTrail | join kind=inner (AWSVPCFlow | extend d = parse_json(InstanceId)) on $left.UserIdentityArn == $right.d'],
  ['KS142', 'AWSCloudTrail | extend i = RequestParameters.instancesSet'],
  ['KS002', 'AWSCloudTrail | where EventName == "a\\q"'],
  ['KS201', 'let a = 1; let a = 2; AWSCloudTrail | where 1 == a'],
  ['KS142', 'AWSVPCFlow | where TimeGenerated > ago(1w)'],
  ['CK01', 'AWSCloudTrail | where EventName matches regex "("'],
  ['CK01', 'AWSCloudTrail | where EventName matches regex "(?!a)b"'],
  ['CK01', 'AWSCloudTrail | where EventName matches regex @"(a)\\1"'],
  ['CK01', 'AWSCloudTrail | where EventName matches regex "a{1001}"'],
  ['CK01', 'let r = "["; AWSCloudTrail | extend x = extract(r, 1, EventName)'],
  ['CK02', 'AWSVPCFlow | where ipv4_is_in_range(DstAddr, "300.0.0.0/8")'],
  ['CK02', 'AWSVPCFlow | where ipv4_is_in_any_range(DstAddr, dynamic(["10.0.0.0/8", "10.0.0.0/33"]))'],
  ['CK02', 'let nets = dynamic(["10.0.0/8"]); AWSVPCFlow | where ipv4_is_in_any_range(DstAddr, nets)'],
  ['CK02', 'AWSVPCFlow | where ipv6_is_in_range(DstAddr, "fc00::/129")'],
  ['CK03', 'AWSCloudTrail | join (AWSVPCFlow) on TimeGenerated'],
  ['CK03', 'AWSCloudTrail | join hint.strategy=broadcast (AWSVPCFlow) on TimeGenerated'],
  ['CK04', 'let EventName = "x"; AWSCloudTrail | where AWSRegion == EventName'],
  ['CK05', 'AWSCloudTrail | where SessionMfaAuthenticated == "false"'],
  ['CK05', 'AWSVPCFlow | where Bytes == "5"'],
  ['CK05', 'AWSVPCFlow | where DstPort in ("22")'],
  ['CK05', 'AWSVPCFlow | where DstPort !in (22, "23")'],
  ['CK05', 'AWSCloudTrail | where parse_json(RequestParameters).imageId == "ami-1"'],
  ['CK05', 'AWSCloudTrail | where parse_json(RequestParameters).imageId in ("ami-1")'],
  ['CK06', 'AWSVPCFlow | extend x = iff(DstPort == 22, "a", 1)'],
  ['CK06', 'AWSVPCFlow | extend x = case(DstPort == 22, "a", DstPort == 23, 1, "b")'],
  ['CK07', 'AWSVPCFlow | where Bytes > 9223372036854775808'],
  ['CK08', 'AWSCloudTrail | where EventName == h"x"'],
  ['CK08', 'AWSCloudTrail | where EventName == "\\U0001F600"'],
  ['CK08', 'AWSCloudTrail | where EventName == ```x```'],
  ['CK10', ''],
  ['CK10', 'let a = 1;'],
  ['CK09', `AWSCloudTrail | where EventName == "${'x'.repeat(10000)}"`],
];

const CHAIN_COLUMNS = [
  'console_time:datetime', 'console_actor_id:string', 'launch_time:datetime', 'launch_instance_eni:string',
  'launch_image_id:string', 'egress_time:datetime', 'egress_destination_ip:string',
];

function expect(holds, message) {
  if (!holds) throw new Error(`selftest: ${message}`);
}

function run(check) {
  const chain = check({ name: 'chain', text: fs.readFileSync(path.join(__dirname, 'selftest_chain.kql'), 'utf8') });
  expect(chain.problems.length === 0, `the chain has problems: ${chain.problems.join('; ')}`);
  expect(chain.columns.join() === CHAIN_COLUMNS.join(), `the chain has the columns ${chain.columns.join(', ')}`);
  for (const text of GOOD) {
    const { problems } = check({ name: 'good', text });
    expect(problems.length === 0, `${text}\n  should pass: ${problems.join('; ')}`);
  }
  for (const [code, text] of BAD) {
    const { problems } = check({ name: 'bad', text });
    expect(problems.some((p) => p.split(' ')[1] === code), `${text}\n  should give ${code}: ${problems.join('; ') || 'nothing'}`);
  }
  process.stderr.write(`kql check: ${GOOD.length + 1} good and ${BAD.length} bad texts judged rightly\n`);
}

module.exports = { run };
