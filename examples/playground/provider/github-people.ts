/** Somebody with an account at GitHub. */
export interface GitHubPerson {
  readonly id: number;
  readonly login: string;
  readonly name: string;
  readonly emails: readonly { readonly email: string; readonly primary: boolean; readonly verified: boolean }[];
  readonly remark: string;
}

/** The people that the stand-in for GitHub knows. */
export const gitHubPeople: readonly GitHubPerson[] = [
  {
    id: 9_401,
    login: 'mira-codes',
    name: 'Mira Okafor',
    emails: [
      { email: 'mira@demo.example', primary: true, verified: true },
      { email: 'mira@old.example', primary: false, verified: true },
    ],
    remark: 'mira@demo.example, verified',
  },
  {
    id: 9_402,
    login: 'noor',
    name: 'Noor Haddad',
    emails: [{ email: 'noor@demo.example', primary: true, verified: false }],
    remark: 'no verified e-mail address',
  },
];
