/**
 * Hashes of one password, made by the systems that people move in from: `pip install django==5.2.17 passlib==1.7.4 argon2-cffi==25.1.0
 * bcrypt==5.0.0 werkzeug==3.1.9`, then `make_password(password, hasher=…)`, `pbkdf2_sha256.using(rounds=2000).hash(password)`,
 * `PasswordHasher(type=…).hash(password)`, `bcrypt.hashpw(…, gensalt(10))` and `generate_password_hash(password, …)`.
 */
export const hashedPassword = 'Grüße, correct horse ✓';

export const passwordHashes: readonly (readonly [madeBy: string, hash: string])[] = [
  [
    'Django 5.2.17 pbkdf2_sha256',
    'pbkdf2_sha256$1000000$0dJkBUheXs9KdnOWDJSieq$gzNhxpdn5ELmHACBZwZ6/F20Zbj4PlflrMUY3GOckU0=',
  ],
  ['Django 5.2.17 pbkdf2_sha1', 'pbkdf2_sha1$1000000$Ndq7uVmrDmb9h5rRyiPlhg$+44NVTkKOhAsIx8nI0SJUWsPQ8Y='],
  [
    'Django 5.2.17 argon2',
    'argon2$argon2id$v=19$m=102400,t=2,p=8$bmVuNEwxVEY4MEFnSDZMcTVwOXJYOA$bW+6+g/TVVKy8OU2YNTXmcsbnhaLCmj3hNkIO9KbCDA',
  ],
  [
    'Django 5.2.17 scrypt',
    'scrypt$16384$9dVJzWFbn4enjnvR3kDoJS$8$5$ip0sCZe5sWuKnExSwqH2wpn2eSwG1LZMp/01Ipv5uw/akzMB8MAV8ftd9KcEL87FwgANjq0SgyNOQQtQQg/7IQ==',
  ],
  ['Django 5.2.17 bcrypt', 'bcrypt$$2b$12$WL.18AHbMs5YvtAVLUisUOp6wGGwgXbdnEJTc7GjPl/dRSgIMXES2'],
  ['passlib 1.7.4 pbkdf2_sha1', '$pbkdf2$2000$hTDm/H.v1fof49w7h/C.9w$YMVUQ2s8o9fKqkXlsHl0lzhbC5M'],
  [
    'passlib 1.7.4 pbkdf2_sha256',
    '$pbkdf2-sha256$2000$6V2rFYJQCmHs3Xsv5VxLCQ$OMazMo9kUC03ZjJDrN8YMi29eaNEgDSTzjQ6sZMVKpo',
  ],
  [
    'passlib 1.7.4 pbkdf2_sha512',
    '$pbkdf2-sha512$2000$KSVEKIXQ.n9vrRUipBSi9A$viuZkVB4kFfzVJwQ0XpDRx.BBBK4m8VjQCuamWnRcfKHmvXV2uOMrIT4MCYmOz/Gk5IPO5byXHmp5axiu6ChZg',
  ],
  ['passlib 1.7.4 scrypt', '$scrypt$ln=14,r=8,p=1$bS1lTAkhxBhjLCXEWKvV+g$N5cyBuRaeFmC6vCXjT9pRzriZj/rsn2P14rTHF25/zw'],
  [
    'argon2-cffi 25.1.0 ID',
    '$argon2id$v=19$m=65536,t=3,p=4$qEwuQTdnYOxlcbS/gqTUAA$42SHyMbm7hdcaP0BryOIrUFhOpHgrCiSrU8iSN65Fe4',
  ],
  [
    'argon2-cffi 25.1.0 I',
    '$argon2i$v=19$m=65536,t=3,p=4$p534PjcN/mND0rLA9IEpRg$D70QYUONnfnqApuS3CfvSxWKN6WZCuvLDVgtXAvOHn4',
  ],
  [
    'argon2-cffi 25.1.0 D',
    '$argon2d$v=19$m=65536,t=3,p=4$ZjmFGu0+msPano4S1K13pg$lebjKi5oFfO4EdKSsMtfKO6WnJYYD99mjfXu3LedmFo',
  ],
  [
    'argon2-cffi 25.1.0 version 16',
    '$argon2i$v=16$m=8192,t=2,p=2$c2l4dGVlbiBieXRlcyBvaw$2aHXJb32FFW05f9oEjLknh6vIusJMYF1Zb+j+WKVmN0',
  ],
  ['bcrypt 5.0.0 (Python) 2b', '$2b$10$zjfdIY7yccZRga6lo70IZ.xL5Li29LB2dgr7vvrNVTzd7HpjFni6O'],
  ['bcrypt 5.0.0 (Python) 2a', '$2a$10$ZsUSRHD.wvlPqiSJE/iFnubftsLDEGakuKgJKnavjruzFwm8eAlly'],
  [
    'werkzeug 3.1.9 scrypt',
    'scrypt:32768:8:1$mWJvrGBwIdvNLcqM$c5ce1ea2920f78761ccfc4449d947fff5a44b51612fe4ae4d67f12fa4a501f46d3d9b7ce1a264547aaa35013a777dc0c95e476f0e408d36ed566c253ca66aed9',
  ],
  [
    'werkzeug 3.1.9 pbkdf2',
    'pbkdf2:sha512:1000$Ls0VX8y8t9XDeLez$593c20ddbab97231d4f16aa74aa7d18b5457ea49bbf2a0ecd2b25a221d4a2857f98f042a0410eb1284cbd440a9faca4d817f22ab3041f55a9d9d1e00332d23ac',
  ],
];

/** What Django hashed as it was sent, without a normalization: NFKC would make another text of it. */
export const unnormalized = {
  password: 'ﬁnger²0 raw',
  hash: 'pbkdf2_sha256$1000000$ToX6my5tDo7VzhlzHqsmQo$nmRYGKCMkAqk5ZGt9HjH9m8CRlZ0I3JYzanvnXohcWw=',
};
