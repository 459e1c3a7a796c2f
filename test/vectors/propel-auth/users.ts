/** Users as PropelAuth's backend API tells them, by its documentation and its own client; made up. */
export const jonas = {
  user_id: 'a3c0f6d1-52b7-4e19-9d08-7b41e6c2f935',
  email: 'jonas@lumenworks.example',
  email_confirmed: true,
  has_password: true,
  username: 'jonas.o',
  first_name: 'Jonas',
  last_name: 'Okafor',
  picture_url: 'https://img.lumenworks.example/jonas.png',
  locked: false,
  enabled: true,
  mfa_enabled: false,
  can_create_orgs: false,
  created_at: 1_781_222_333,
  last_active_at: 1_790_000_000,
  properties: { favourite_colour: 'teal' },
};

/** One who has told no more than has to be told. */
export const ines = {
  user_id: '5b1e07c4-93ad-4b62-8f50-2d7714ea6b39',
  email: 'ines@lumenworks.example',
  email_confirmed: false,
  has_password: false,
  username: null,
  first_name: null,
  last_name: null,
  picture_url: null,
  locked: false,
  enabled: true,
  mfa_enabled: false,
  can_create_orgs: false,
  created_at: 1_789_999_000,
  last_active_at: 1_789_999_000,
};
