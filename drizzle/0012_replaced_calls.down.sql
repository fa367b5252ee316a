alter table messages drop column replaced;
