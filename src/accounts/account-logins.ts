import { AuthUnavailableError, isRefusal, RefusalError } from '../errors/auth-error.js';
import type { ExternalIdentity } from '../login/external-identity.js';
import { type BeginSession, type ConfirmedLogin, LoginAccounts } from '../login/login-accounts.js';
import type { Session } from '../sessions/session.js';
import type { JsonObject } from '../token/json-object.js';
import type { AccountAccess } from './account-access.js';
import { fitsRule, isSameMailbox, toAccountKey } from './account-input.js';
import type { AccountTerms } from './account-options.js';
import { takenError } from './account-profile.js';
import type { AccountRecords } from './account-records.js';
import type { AccountSessions } from './account-sessions.js';
import type { FoundAccount, StoredIdentity } from './account-store.js';
import type { AddressProofs, PersonNames, ProvenPerson } from './address-proofs.js';
import type { SignUpHooks } from './sign-up-hooks.js';
import { isUnused } from './sign-ups.js';

export interface AccountLoginsParts {
  readonly terms: AccountTerms;
  readonly records: AccountRecords;
  readonly access: AccountAccess;
  readonly proofs: AddressProofs;
  readonly hooks: SignUpHooks;
  readonly accountSessions: AccountSessions;
}

/** A login, and what of its identity is relied on. */
interface Arrival {
  readonly login: ConfirmedLogin;
  readonly identity: StoredIdentity;
  /** The address in the form in which addresses are compared, whether or not it was proven; `null` where there is none. */
  readonly emailKey: string | null;
  /** The address, where it is known to be the person's own; `null` otherwise. */
  readonly provenEmail: string | null;
  readonly profile: PersonNames;
  /** Asks the app whether there may be a new user, once for a login. @returns the custom data of the new account */
  readonly askForSignUp: () => Promise<JsonObject | undefined>;
}

/** The accounts of the caller. */
interface Caller {
  /** The account to link to; `null` where the person signs in. */
  readonly linkTo: FoundAccount | null;
  readonly guest: FoundAccount | null;
}

/** The account that is signed in to. */
interface Arrived {
  readonly account: FoundAccount;
  readonly isNewUser: boolean;
  /** Whether the identity was added to an account that others may have used before. */
  readonly isLinked: boolean;
}

/** How often it is tried again when another request changes the account, or takes the identity or the address, at the same moment. */
const mostRounds = 5;

/** Finds, links and makes the accounts of people who sign in by a provider. */
export class AccountLogins extends LoginAccounts {
  constructor(private readonly parts: AccountLoginsParts) {
    super();
  }

  override async signIn(login: ConfirmedLogin, begin: BeginSession): Promise<Session> {
    const arrival = this.read(login);
    for (let round = 0; round < mostRounds; round += 1) {
      const arrived = await this.arrive(arrival);
      if (arrived !== null) return await this.begin(arrived, arrival, begin);
    }
    throw new AuthUnavailableError('The account of an identity was changed again and again during a login', 1);
  }

  private read(login: ConfirmedLogin): Arrival {
    const { identity, vouchesForEmail, request } = login;
    const { provider, subject } = identity;
    if (fitsRule('provider', provider) !== null || fitsRule('subject', subject) !== null)
      throw refused('The id of the person at the provider is no text of 1 to 255 characters');
    const email = identity.email !== null && fitsRule('email', identity.email) === null ? identity.email : null;
    const provenEmail = vouchesForEmail && identity.emailVerified ? email : null;
    const profile = namesOf(identity);
    let added: Promise<JsonObject | undefined> | undefined;
    return {
      login,
      identity: { provider, subject, email, linkedAt: this.parts.records.now() },
      emailKey: email === null ? null : toAccountKey(email),
      provenEmail,
      profile,
      askForSignUp: () =>
        (added ??= this.askForSignUp({ email: provenEmail, name: profile.name ?? null, input: null, request })),
    };
  }

  /** @returns `null` where another request changed something at the same moment, so that all has to be looked at again */
  private async arrive(arrival: Arrival): Promise<Arrived | null> {
    const { records } = this.parts;
    const { linkTo, guest } = await this.findCaller(arrival.login);
    const linkingGuest = arrival.login.linkTo === null ? null : guest;
    const owner = await records.findByIdentity(arrival.identity);
    checkLinkingGuest(linkingGuest, owner, 'identity');
    if (owner !== null) return await this.comeBack(owner, linkTo, arrival);
    if (linkTo !== null) return await this.link(linkTo, arrival);
    return await this.arriveByAddress(arrival, guest, linkingGuest);
  }

  /** The account that has the address of the person, or a new one. */
  private async arriveByAddress(
    arrival: Arrival,
    guest: FoundAccount | null,
    linkingGuest: FoundAccount | null,
  ): Promise<Arrived | null> {
    const { emailKey } = arrival;
    const holder = emailKey === null ? null : await this.parts.records.findByEmail(emailKey);
    checkLinkingGuest(linkingGuest, holder !== null && isUnused(holder) ? null : holder, 'email');
    if (holder === null || holder.id === guest?.id) return await this.settle(holder, guest, arrival);
    if (!isSameMailbox(holder.email, arrival.provenEmail)) throw takenError('email');
    if (holder.status === 'disabled') throw refused('The account that has the address is disabled');
    return await (holder.emailVerified ? this.link(holder, arrival) : this.settle(holder, guest, arrival));
  }

  /** A guest who links signs in, and keeps the account. */
  private async findCaller({ linkTo, guestId }: ConfirmedLogin): Promise<Caller> {
    const callerId = linkTo ?? guestId;
    const found = callerId === null ? null : await this.parts.records.find(callerId);
    const caller = found?.status === 'enabled' ? found : null;
    if (caller?.isAnonymous === true) return { linkTo: null, guest: caller };
    if (linkTo !== null && caller === null) throw refused('The account to link to is deleted or disabled');
    return { linkTo: linkTo === null ? null : caller, guest: null };
  }

  /** Signs in to the account that has the identity. */
  private async comeBack(owner: FoundAccount, linkTo: FoundAccount | null, arrival: Arrival): Promise<Arrived | null> {
    if (linkTo !== null && linkTo.id !== owner.id) throw takenError('identity');
    if (owner.status === 'disabled') throw refused('The account is disabled');
    if (owner.isAnonymous) return await this.upgrade(owner, arrival);
    return { account: owner, isNewUser: false, isLinked: false };
  }

  /** Makes the guest who has the identity a user, which has failed half-way before, or is under way in another request. */
  private async upgrade(guest: FoundAccount, arrival: Arrival): Promise<Arrived | null> {
    const { records, proofs } = this.parts;
    const { emailKey, provenEmail } = arrival;
    const holder = emailKey === null || provenEmail === null ? null : await records.findByEmail(emailKey);
    // The guest has the identity, so an account that has got the address meanwhile keeps it.
    const isHeld = holder !== null && holder.id !== guest.id && !isUnused(holder);
    const customData = await arrival.askForSignUp();
    const email = isHeld ? null : provenEmail;
    const person = { ...personOf(arrival), email, customData, guestId: guest.id, identity: undefined };
    const account = await proofs.accountOf(isHeld ? null : holder, person);
    return account && { account, isNewUser: true, isLinked: false };
  }

  private async link(account: FoundAccount, { identity }: Arrival): Promise<Arrived | null> {
    const isAdded = await this.parts.records.addIdentity(account.id, identity);
    // A guest becomes a user as the account of the identity, which it is from now on.
    return isAdded && !account.isAnonymous ? { account, isNewUser: false, isLinked: true } : null;
  }

  /** Makes an account, or gives the one that has the proven address without having verified it to its owner. */
  private async settle(
    holder: FoundAccount | null,
    guest: FoundAccount | null,
    arrival: Arrival,
  ): Promise<Arrived | null> {
    // One that was signed up for and never verified is dropped, and made again.
    const isNewUser = holder === null || holder.isAnonymous || isUnused(holder);
    const customData = isNewUser ? await arrival.askForSignUp() : undefined;
    const person = { ...personOf(arrival), customData, guestId: guest?.id ?? null };
    const account = await this.parts.proofs.accountOf(holder, person);
    return account && { account, isNewUser, isLinked: !isNewUser };
  }

  private async askForSignUp(attempt: Parameters<SignUpHooks['call']>[0]): Promise<JsonObject | undefined> {
    const { terms, hooks } = this.parts;
    if (terms.signUp === false) throw refused('There is no account of the identity, and nobody may sign up');
    return await hooks.call(attempt);
  }

  private async begin(
    { account, isNewUser, isLinked }: Arrived,
    { login, identity }: Arrival,
    begin: BeginSession,
  ): Promise<Session> {
    const { accountSessions, records, access } = this.parts;
    try {
      return await accountSessions.open(account, {
        start: () => startKnown(() => begin(account.id, { isNewUser })),
        // The person who linked the identity has lost the account where its owner has proven the address meanwhile.
        isStillGood: async ({ emailVerified }) =>
          emailVerified === account.emailVerified && (await records.findByIdentity(identity))?.id === account.id,
        refusal: 'LOGIN_REFUSED',
        network: login.network,
        isSignIn: login.linkTo === null || isNewUser,
      });
    } catch (error) {
      // An identity must not lead into an account that its person must not sign in to.
      if (isLinked && isRefusal(error)) {
        await records.removeIdentity(account.id, identity);
        await access.removeProviderTokens(account.id, identity.provider);
      }
      throw error;
    }
  }
}

/** @throws {RefusalError} `LOGIN_REFUSED` also where the account was disabled meanwhile, or the app does not let the user in */
async function startKnown(start: () => Promise<Session>): Promise<Session> {
  try {
    return await start();
  } catch (error) {
    if (isRefusal(error) && error.reason === 'revoked') throw refused(error.explanation);
    throw error;
  }
}

/** A guest who links becomes a user by it, and must not sign in to another account, or change one. */
function checkLinkingGuest(guest: FoundAccount | null, other: FoundAccount | null, taken: 'identity' | 'email'): void {
  if (guest !== null && other !== null && other.id !== guest.id) throw takenError(taken);
}

function personOf({ identity, provenEmail, profile }: Arrival): Pick<ProvenPerson, 'email' | 'profile' | 'identity'> {
  return { email: provenEmail, profile, identity };
}

/** What the provider tells of the person. What an account cannot have is left out: the person could not correct it. */
function namesOf({ name, givenName, familyName, pictureUrl }: ExternalIdentity): PersonNames {
  const given = { name, givenName, familyName, pictureUrl };
  const rules = { name: 'name', givenName: 'name', familyName: 'name', pictureUrl: 'pictureUrl' } as const;
  const fits = ([member, value]: [string, unknown]): boolean =>
    value !== null && fitsRule(rules[member as keyof typeof rules], value) === null;
  return Object.fromEntries(Object.entries(given).filter(fits));
}

function refused(explanation: string): RefusalError {
  return RefusalError.of('LOGIN_REFUSED', explanation);
}
