export interface Person {
  readonly id: string;
  readonly password: string;
  readonly name: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly roles: readonly string[];
  readonly remark: string;
}

/** Everyone who can sign in. The passwords are shown on the sign-in screen: nothing here is worth protecting. */
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

/** The person of that id, or the first one: a flawed token has to be about somebody before anyone has signed in. */
export function findPerson(id: unknown): Person {
  return people.find((person) => person.id === id) ?? people[0];
}

export function signInAs(id: string, password: string): Person | undefined {
  return people.find((person) => person.id === id.trim().toLowerCase() && person.password === password);
}

/** What a token for the API says about a person, besides the standard claims. */
export function claimsOf(person: Person): Record<string, unknown> {
  return { name: person.name, email: person.email, email_verified: person.emailVerified, roles: person.roles };
}
