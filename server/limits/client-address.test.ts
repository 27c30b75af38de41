import t from 'tap';
import { addressKey, ClientAddresses } from './client-address.js';

const of = (trusted: readonly string[], remoteAddress: string | undefined, forwarded?: string | string[]): string =>
  new ClientAddresses(trusted).of({
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    socket: { remoteAddress },
  });

void t.test('what a client claims counts for nothing unless a trusted proxy passed it on', async (t) => {
  t.equal(of([], '203.0.113.7', '1.2.3.4'), '203.0.113.7', 'no proxy is trusted');
  t.equal(of(['10.0.0.1'], '203.0.113.7', '1.2.3.4'), '203.0.113.7', 'this one is not');
  t.equal(of(['10.0.0.0/8'], '10.0.0.1', '203.0.113.7'), '203.0.113.7');
  t.equal(
    of(['10.0.0.0/8'], '10.0.0.1', '1.2.3.4, 203.0.113.7'),
    '203.0.113.7',
    'what stood there before is the client’s own',
  );
  t.equal(of(['10.0.0.0/8'], '10.0.0.1', '1.2.3.4, 203.0.113.7, 10.9.9.9'), '203.0.113.7', 'a chain of proxies');
  t.equal(of(['10.0.0.0/8'], '10.0.0.1', ['1.2.3.4', '203.0.113.7']), '203.0.113.7', 'several headers');
  t.equal(of(['10.0.0.0/8'], '10.0.0.1'), '10.0.0.1', 'it passed nothing on');
  t.equal(of(['10.0.0.0/8'], '10.0.0.1', 'unknown'), '10.0.0.1');
  t.equal(of(['10.0.0.0/8'], '10.0.0.1', '1.2.3.4, <script>'), '10.0.0.1', 'beyond nonsense nothing is believed');
  t.equal(
    of(['10.0.0.0/8'], '10.0.0.1', `1.2.3.4, ${'10.0.0.2, '.repeat(500)}10.0.0.3`),
    '10.0.0.2',
    'so many hops, no more',
  );
  t.equal(of([], undefined), 'unknown');
});

void t.test('one address has one form', async (t) => {
  t.equal(of([], '::ffff:203.0.113.7'), '203.0.113.7');
  t.equal(of(['10.0.0.0/8'], '::ffff:10.0.0.1', '203.0.113.7:4711'), '203.0.113.7');
  t.equal(of(['::1'], '::1', '[2001:db8::1]:4711'), '2001:db8::1');
  t.equal(of([], 'fe80::1%eth0'), 'fe80::1');
  const addresses = new ClientAddresses(['10.0.0.0/8', '2001:db8::/32']);
  const through = (remoteAddress: string): boolean =>
    addresses.isThroughProxy({ headers: {}, socket: { remoteAddress } });
  t.strictSame(['::ffff:10.1.1.1', '2001:db8::9', '203.0.113.7', 'x'].map(through), [true, true, false, false]);
  for (const wrong of ['proxy.local', '10.0.0.0/99', '']) t.throws(() => new ClientAddresses([wrong]), wrong);
});

void t.test('a budget is of an IPv4 address or of the /64 that an IPv6 customer has', async (t) => {
  t.equal(addressKey('203.0.113.7'), '203.0.113.7');
  t.equal(addressKey('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  t.equal(addressKey('2001:DB8:0001:0002::ffff'), '2001:db8:1:2::/64');
  t.equal(addressKey('2001:db8::1'), '2001:db8:0:0::/64');
  t.equal(addressKey('::1'), '0:0:0:0::/64');
  t.equal(addressKey('2001:db8:1:2::192.0.2.1'), '2001:db8:1:2::/64');
  t.equal(addressKey('fe80::1%eth0'), 'fe80:0:0:0::/64');
  t.not(addressKey('2001:db8:1:2::1'), addressKey('2001:db8:1:3::1'));
  t.equal(addressKey('unknown'), 'unknown');
});
