import type { ClientBase } from 'pg';
import { failed, ok, warning, type Check } from './check.js';

const NAME = 'login';

interface Login {
  readonly name: string;
  readonly superuser: boolean;
  /** Null where there is no such role, or no such table. */
  readonly member: boolean | null;
  readonly owner: boolean | null;
  readonly more: string[];
}

/** What the Worker's login is: a member of `worker`, and no more. */
export async function checkLogin(client: ClientBase): Promise<Check> {
  const { rows } = await client.query<Login>(
    `select r.rolname::text as name, r.rolsuper as superuser,
            pg_has_role(to_regrole('worker')::oid, 'usage') as member,
            (select pg_has_role(c.relowner, 'usage') from pg_class c where c.oid = to_regclass('advertisers')) as owner,
            array_remove(array[
              case when r.rolcreaterole then 'may make roles' end,
              case when r.rolcreatedb then 'may make databases' end,
              case when r.rolbypassrls then 'passes over row security' end,
              case when pg_has_role(to_regrole('billing')::oid, 'usage') then 'is a member of billing' end
            ], null) as more
     from pg_roles r where r.rolname = current_user`,
  );
  const [login] = rows;
  if (login === undefined) return failed(NAME, 'this login is no role of the server', 'look at DATABASE_URL');
  const plain = 'let DATABASE_URL name a login of its own: create role NAME login; grant worker to NAME';
  if (login.superuser) return warning(NAME, `${login.name} is a superuser: nothing keeps it from the books`, plain);
  if (login.member === null) return failed(NAME, 'there is no role worker', 'npm run migrate');
  if (!login.member) {
    return failed(
      NAME,
      `${login.name} is no member of worker, or does not inherit from it`,
      `grant worker to ${login.name}`,
    );
  }
  const more = [...(login.owner === true ? ['owns the tables'] : []), ...login.more];
  if (more.length > 0) return warning(NAME, `${login.name} ${more.join(', ')}, which the Worker does not need`, plain);
  return ok(NAME, `${login.name} is a member of worker, and no more`);
}
