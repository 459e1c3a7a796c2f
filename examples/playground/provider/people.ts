export interface Person {
  readonly id: string;
  readonly password: string;
  readonly name: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly roles: readonly string[];
  readonly remark: string;
}

/** The users who can sign in. The sign-in screen shows their passwords, because this is a demo. */
export const people: readonly [Person, ...Person[]] = [
  {
    id: 'mira',
    password: 'gatehouse',
    name: 'Mira Okafor',
    email: 'mira@demo.example',
    emailVerified: true,
    roles: ['admin', 'editor'],
    remark: 'admin, editor',
  },
  {
    id: 'theo',
    password: 'drawbridge',
    name: 'Theo Lindqvist',
    email: 'theo@demo.example',
    emailVerified: true,
    roles: ['reader'],
    remark: 'reader',
  },
  {
    id: 'ines',
    password: 'portcullis',
    name: 'Inês Duarte',
    email: 'ines@demo.example',
    emailVerified: false,
    roles: [],
    remark: 'no role, e-mail not verified',
  },
];

/** Finds a user by id; the first user otherwise, because a flawed token needs a user before the first sign-in. */
export function findPerson(id: unknown): Person {
  return people.find((person) => person.id === id) ?? people[0];
}

export function signInAs(id: string, password: string): Person | undefined {
  return people.find((person) => person.id === id.trim().toLowerCase() && person.password === password);
}

/** The claims of a user in a token for the API, in addition to the standard ones. */
export function claimsOf(person: Person): Record<string, unknown> {
  return { name: person.name, email: person.email, email_verified: person.emailVerified, roles: person.roles };
}
