"""A share link may ask for a password, and keep the files to itself."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0009_assets'),
    ]

    operations = [
        migrations.AddField('sharelink', 'download', models.BooleanField(default=True, help_text='If not, copies for the screen are shown, and no files.', verbose_name='may be downloaded')),
        migrations.AddField('sharelink', 'password', models.CharField(blank=True, help_text='Hashed, as those of accounts are; empty for none.', max_length=128, verbose_name='password')),
    ]
