drop function person_moment(timestamp);
