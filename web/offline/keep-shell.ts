/** Makes the page that is open open without a network too. */

/**
 * Where pages are not served securely (HTTPS, or this machine itself), browsers have no service workers: all goes on as without.
 *
 * @param page as the build knows it, such as `respond`
 */
export function keepShell(page: string): void {
  if (!isSecureContext || !('serviceWorker' in navigator) || import.meta.env.DEV) return;
  const { serviceWorker } = navigator;
  const start = async (): Promise<void> => {
    await serviceWorker.register('/app/service-worker.js', { scope: '/app/' });
    const { active } = await serviceWorker.ready;
    active?.postMessage({ keep: page });
  };
  // After what the page itself needs. Private windows may refuse: the page goes on without.
  const later = (): void => void start().catch(() => undefined);
  if (document.readyState === 'complete') later();
  else addEventListener('load', later, { once: true });
}
