import { DoctorCheck, type DoctorContext, type DoctorFinding, ok, problem, skipped } from '../doctor/doctor-check.js';
import { isUpstreamFailure } from '../upstream/upstream-failure.js';
import type { HttpCaller } from '../upstream/http-client.js';
import type { ProtectedResource } from './protected-resources.js';

/** Whether clients find the metadata of the protected resources (RFC 9728) from outside. */
export class ResourcesDoctorCheck extends DoctorCheck {
  constructor(private readonly resources: readonly ProtectedResource[]) {
    super();
  }

  override async run({ url, offline, http }: DoctorContext): Promise<readonly DoctorFinding[]> {
    if (this.resources.length === 0) return [];
    if (url === null || offline) {
      const why = offline ? 'the doctor runs --offline' : 'the address of the running app was not given (--url)';
      return [
        skipped('resource-metadata', `${this.resources.map(({ metadataUrl }) => metadataUrl).join(', ')}: ${why}`),
      ];
    }
    return await Promise.all(this.resources.map((resource) => inspect(resource, http)));
  }
}

async function inspect({ identifier, metadataUrl }: ProtectedResource, http: HttpCaller): Promise<DoctorFinding> {
  const expected = `200 with a JSON document whose resource is ${identifier}`;
  const fix =
    'Let the proxy pass /.well-known/oauth-protected-resource at the root of the host to the app, without authentication, ' +
    'and set publicUrl to the outside address';
  try {
    const { status, body } = await http.call({ method: 'GET', url: metadataUrl });
    const stated: unknown = typeof body === 'object' && body !== null && 'resource' in body ? body.resource : undefined;
    if (status === 200 && stated === identifier) return ok('resource-metadata', `${metadataUrl} is public and right`);
    const found =
      typeof stated === 'string' ? `names the resource ${stated}` : `answers with status ${status}, without it`;
    return problem('fail', 'resource-metadata', { found: `${metadataUrl} ${found}`, expected, fix });
  } catch (error) {
    const why = isUpstreamFailure(error) ? error.message : 'the call failed';
    return problem('fail', 'resource-metadata', { found: `${metadataUrl}: ${why}`, expected, fix });
  }
}
